// SPDX-License-Identifier: MIT
/* Bad input of sessions: each errno that needs no KVM, and nothing changed. */
#include "session_test.h"

static char *memory;
static struct kvm_prefault_memory pieces[2];
static struct kvm_prefault_session_options options;

static void good(void)
{
	memory_init(&pieces[0], BASE, memory, 4 * MIB);
	memory_init(&pieces[1], BASE + 4 * MIB, memory + 4 * MIB, 4 * MIB);
	kvm_prefault_session_options_init(&options, -1, pieces, 2);
}

static int create(void)
{
	struct kvm_prefault_session *session = NULL;
	int ret = kvm_prefault_session_create(&session, &options);

	if (ret && session)
		bail_out("a session beside an error");
	kvm_prefault_session_destroy(session);
	return ret;
}

static void test_sizes(void)
{
	struct {
		struct kvm_prefault_session_options options;
		char more[8];
	} later;
	struct kvm_prefault_session *session;

	good();
	ok(create() == 0, "good options");
	ok(kvm_prefault_session_create(NULL, &options) == -EINVAL &&
	   kvm_prefault_session_create(&session, NULL) == -EINVAL,
	   "no result, no options: EINVAL");
	options.size = sizeof(options) - 8;
	ok(create() == -EINVAL, "options smaller than any version: EINVAL");
	good();
	options.size = 1 << 20;
	ok(create() == -EINVAL, "options of a wild size: EINVAL");
	good();
	memset(&later, 0, sizeof(later));
	later.options = options;
	later.options.size = sizeof(later);
	ok(kvm_prefault_session_create(&session, &later.options) == 0,
	   "options of a later version");
	kvm_prefault_session_destroy(session);
	later.more[7] = 1;
	ok(kvm_prefault_session_create(&session, &later.options) == -E2BIG,
	   "options of a later version that has to be known: E2BIG");
}

static void test_options(void)
{
	good();
	options.flags = 1U << 31;
	ok(create() == -EINVAL, "an unknown flag: EINVAL");
	good();
	options.path = 5;
	ok(create() == -EINVAL, "an unknown path: EINVAL");
	good();
	options.nr_workers = 257;
	ok(create() == -EINVAL, "too many workers: EINVAL");
	good();
	options.slice_size = 100;
	ok(create() == -EINVAL, "an unaligned slice: EINVAL");
	good();
	options.nr_mappings = 1;
	ok(create() == -EINVAL, "a number of mappings without mappings: EINVAL");
	good();
	options.nr_vcpu_fds = 1;
	ok(create() == -EINVAL, "a number of vCPUs without vCPUs: EINVAL");
	good();
	options.flags = KVM_PREFAULT_SESSION_CALLER_RING;
	options.path = KVM_PREFAULT_PATH_POPULATE;
	ok(create() == -EINVAL, "the caller's ring for another path: EINVAL");
}

static int create_piece(__u64 base, __u64 size, unsigned long host, __u64 flags)
{
	good();
	pieces[1].base_address = base;
	pieces[1].size = size;
	pieces[1].host_address = (void *)host;
	pieces[1].flags = flags;
	return create();
}

static void test_memory(void)
{
	unsigned long host = (unsigned long)memory;

	good();
	options.nr_memory = 0;
	ok(create() == -EINVAL, "no memory: EINVAL");
	ok(create_piece(BASE + 1, PAGE, host, 0) == -EINVAL, "unaligned base: EINVAL");
	ok(create_piece(0, PAGE + 1, host, 0) == -EINVAL, "unaligned size: EINVAL");
	ok(create_piece(0, PAGE, host + 1, 0) == -EINVAL, "unaligned host: EINVAL");
	ok(create_piece(0, 0, host, 0) == -EINVAL, "a piece of no size: EINVAL");
	ok(create_piece(-PAGE, 2 * PAGE, host, 0) == -EINVAL, "wraps around: EINVAL");
	ok(create_piece(0, PAGE, host, 4) == -EINVAL, "flags of memory: EINVAL");
	ok(create_piece(BASE + 4 * MIB - PAGE, MIB, host, 0) == -EINVAL,
	   "pieces that overlap: EINVAL");
	ok(create_piece(0, PAGE, host, KVM_MEMORY_MAPPING_READ) == 0,
	   "a piece below the other");
}

static int create_mapping(__u64 base, __u64 size, __u64 flags)
{
	struct kvm_memory_mapping mapping = { base, size, flags };

	good();
	options.mappings = &mapping;
	options.nr_mappings = 1;
	return create();
}

static void test_mappings(void)
{
	ok(create_mapping(BASE + 1, PAGE, 0) == -EINVAL, "mapping, base: EINVAL");
	ok(create_mapping(BASE, PAGE + 1, 0) == -EINVAL, "mapping, size: EINVAL");
	ok(create_mapping(BASE, 0, 0) == -EINVAL, "mapping of no size: EINVAL");
	ok(create_mapping(BASE, PAGE, 4) == -EINVAL, "mapping, flags: EINVAL");
	ok(create_mapping(BASE, -PAGE, 0) == -EINVAL, "mapping wraps: EINVAL");
	ok(create_mapping(BASE - PAGE, 2 * PAGE, 0) == -EINVAL,
	   "mapping begins before memory: EINVAL");
	ok(create_mapping(BASE + 8 * MIB - PAGE, 2 * PAGE, 0) == -EINVAL,
	   "mapping ends behind memory: EINVAL");
	ok(create_mapping(BASE + 4 * MIB - PAGE, 2 * PAGE, 0) == 0,
	   "mapping over two pieces");
}

static void test_files(void)
{
	char reason[512];

	good();
	options.vm_fd = -2;
	ok(create() == -EINVAL, "a negative descriptor that is not -1: EINVAL");
	options.vm_fd = 1000;
	ok(create() == -EBADF, "a descriptor that is not open: EBADF");
	options.vm_fd = open("/dev/null", O_RDWR);
	ok(create() == -ENOTTY, "a descriptor that is not a VM: ENOTTY");
	close(options.vm_fd);
	good();
	options.path = KVM_PREFAULT_PATH_IOCTL;
	ok(create() == -EOPNOTSUPP, "a path that is not there: EOPNOTSUPP");
	ok(kvm_prefault_session_choose(&options, reason, sizeof(reason)) == -EOPNOTSUPP &&
	   !strcmp(reason, "ioctl: no VM was given"), "choose says why");
	options.path = KVM_PREFAULT_PATH_BEST;
	ok(kvm_prefault_session_choose(&options, reason, sizeof(reason)) ==
	   KVM_PREFAULT_PATH_POPULATE, "choose takes the one that is left");
	printf("# %s\n", reason);
	ok(strstr(reason, "uring: no VM was given; ioctl: no VM was given; ") == reason &&
	   strstr(reason, "; pre-fault: no vCPU was given; populate: the kernel has "),
	   "and says why none before");
	ok(kvm_prefault_session_choose(&options, reason, 6) == 4 &&
	   !strcmp(reason, "uring"), "a reason that is cut");
	ok(kvm_prefault_session_choose(&options, NULL, 0) == 4, "no reason asked for");
	pieces[0].host_address = NULL;
	ok(create() == -EOPNOTSUPP, "no host address and no VM: EOPNOTSUPP");
	good();
	options.flags = KVM_PREFAULT_SESSION_CALLER_RING;
	ok(create() == -EOPNOTSUPP, "the caller's ring without a VM: EOPNOTSUPP");
}

static void test_start(struct kvm_prefault_session *session)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ok(kvm_prefault_session_start(session, &attr) == -EINVAL,
	   "start with a detached thread: EINVAL");
	pthread_attr_destroy(&attr);
}

static void test_calls(struct kvm_prefault_session *session)
{
	struct kvm_memory_mapping mapping = { 0, PAGE, 0 };
	struct kvm_prefault_session_report report = { .size = 8 };
	char sqe[64];

	ok(kvm_prefault_session_wait(session, 0) == -ETIMEDOUT &&
	   kvm_prefault_session_wait_paused(session, 1) == -ETIMEDOUT,
	   "waits that end early: ETIMEDOUT");
	ok(kvm_prefault_session_report(session, &report) == -EINVAL &&
	   kvm_prefault_session_report(session, NULL) == -EINVAL,
	   "a report too small: EINVAL");
	ok(kvm_prefault_session_urgent(session, NULL, 1) == -EINVAL &&
	   kvm_prefault_session_urgent(session, &mapping, 0) == -EINVAL,
	   "nothing urgent: EINVAL");
	ok(kvm_prefault_session_urgent(session, &mapping, 1) == -EINVAL &&
	   report_of(session).bytes_total == 8 * MIB,
	   "urgent outside of memory: EINVAL");
	ok(kvm_prefault_session_prep(session, (struct io_uring_sqe *)sqe) == -EINVAL,
	   "prep without the caller's ring: EINVAL");
	ok(kvm_prefault_session_complete(session, 0) == -EINVAL,
	   "complete without a request: EINVAL");
}

static void test_end(struct kvm_prefault_session *session)
{
	struct kvm_memory_mapping mapping = { BASE, PAGE, 0 };

	must(kvm_prefault_session_start(session, NULL), "start");
	ok(kvm_prefault_session_start(session, NULL) == -EALREADY,
	   "start again: EALREADY");
	ok(kvm_prefault_session_wait(session, -1) == 0, "it maps everything");
	ok(kvm_prefault_session_pause(session) == -EALREADY &&
	   kvm_prefault_session_resume(session) == -EALREADY &&
	   kvm_prefault_session_urgent(session, &mapping, 1) == -EALREADY,
	   "pause, resume, urgent after the end: EALREADY");
	ok(kvm_prefault_session_cancel(session) == 0 &&
	   kvm_prefault_session_wait(session, -1) == 0,
	   "cancel after the end changes nothing");
}

static void test_session(void)
{
	struct kvm_prefault_session *session;

	good();
	session = session_new(&options);
	test_start(session);
	test_calls(session);
	test_end(session);
	kvm_prefault_session_destroy(session);
}

static void test_cancelled_before(void)
{
	struct kvm_prefault_session *session;

	good();
	session = session_new(&options);
	ok(kvm_prefault_session_cancel(session) == 0 &&
	   kvm_prefault_session_wait(session, -1) == -ECANCELED &&
	   kvm_prefault_session_start(session, NULL) == -EALREADY,
	   "cancelled before the start");
	ok(kvm_prefault_session_destroy(session) == 0 &&
	   kvm_prefault_session_destroy(NULL) == 0, "destroy, and NULL");
}

int main(void)
{
	memory = memory_new(8 * MIB);
	errno = E2BIG;
	test_sizes();
	test_options();
	test_memory();
	test_mappings();
	test_files();
	test_session();
	test_cancelled_before();
	ok(!strcmp(kvm_prefault_path_name(KVM_PREFAULT_PATH_URING), "uring") &&
	   !strcmp(kvm_prefault_path_name(9), "unknown"), "names of paths");
	ok(errno == E2BIG, "errno is left alone");
	return done_testing();
}
