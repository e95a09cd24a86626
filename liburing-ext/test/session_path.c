// SPDX-License-Identifier: MIT
/*
 * Which path a session takes, and why.  The argument says which kernel modules are
 * loaded: "project" or "stock", the distribution's.
 */
#include <sys/wait.h>

#include "session_test.h"

#define SIZE	(8 * MIB)
#define SYSCTL	"/proc/sys/kernel/io_uring_disabled"

static char *memory;
static int vm_fd, vcpu_fd;
static struct kvm_prefault_session_options options;
static struct kvm_prefault_memory piece;

static void begin(void)
{
	memory = memory_new(SIZE);
	vm_fd = vm_new(&vcpu_fd, BASE, memory, SIZE);
	if (vm_fd < 0)
		bail_out("no VM");
	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, vm_fd, &piece, 1);
	options.vcpu_fds = &vcpu_fd;
	options.nr_vcpu_fds = 1;
}

static void end(void)
{
	close(vcpu_fd);
	close(vm_fd);
	munmap(memory, SIZE);
}

/* Whether that path is taken, for that reason, and a session agrees. */
static int takes(int path, const char *expected)
{
	struct kvm_prefault_session *session;
	char reason[512] = "";
	int ret = kvm_prefault_session_choose(&options, reason, sizeof(reason)), same;

	if (ret != path || strcmp(reason, expected)) {
		printf("# took %d, not %d: %s\n", ret, path, reason);
		return 0;
	}
	if (ret < 0)
		return kvm_prefault_session_create(&session, &options) == ret;
	session = session_new(&options);
	same = report_of(session).path == (__u32)path &&
	       !strcmp(kvm_prefault_session_reason(session), reason);
	kvm_prefault_session_destroy(session);
	return same;
}

/* What the VM's page tables have, in 4 KiB pages, or -1. */
static long mapped_pages(void)
{
	char name[100];
	long pages = -1;
	FILE *file;

	snprintf(name, sizeof(name), "/sys/kernel/debug/kvm/%d-%d/pages_4k", getpid(),
		 vm_fd);
	file = fopen(name, "r");
	if (file && fscanf(file, "%ld", &pages) != 1)
		pages = -1;
	if (file)
		fclose(file);
	return pages;
}

/*
 * Everything is there and mapped.  Had KVM_PRE_FAULT_MEMORY come first, populating
 * would have replaced the zero page, and with it what was mapped.
 */
static void test_run(const char *name, long pages)
{
	struct kvm_prefault_session *session;
	long found;

	begin();
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	must(kvm_prefault_session_wait(session, -1), "wait");
	found = mapped_pages();
	printf("# %ld pages mapped\n", found);
	ok(resident_bytes(memory, SIZE) == SIZE && found == pages, name);
	kvm_prefault_session_destroy(session);
	end();
}

static int set_io_uring_disabled(const char *value)
{
	int fd = open(SYSCTL, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, value, 1) != 1;

	if (fd >= 0)
		close(fd);
	return ret ? -1 : 0;
}

#define NONE_URING	"uring: KVM does not offer it for this VM; "
#define NONE_IOCTL	"ioctl: KVM does not offer it for this VM; "
#define HAS_POPULATE	"populate: the kernel has MADV_POPULATE_WRITE"

static void test_disabled(void)
{
	if (set_io_uring_disabled("2")) {
		skip("without io_uring the ioctl", "no " SYSCTL " to write to");
		return;
	}
	ok(takes(KVM_PREFAULT_PATH_IOCTL,
		 "uring: io_uring is not available to this process: not permitted; "
		 "ioctl: KVM offers KVM_MAP_MEMORY_BATCH for this VM"),
	   "without io_uring the ioctl");
	set_io_uring_disabled("0");
}

static void test_project(void)
{
	unsigned int path;

	begin();
	ok(takes(KVM_PREFAULT_PATH_URING,
		 "uring: KVM offers KVM_MAP_MEMORY_BATCH through io_uring"),
	   "the best is io_uring");
	test_disabled();
	for (path = 1; path < 5; path++) {
		options.path = path;
		ok(kvm_prefault_session_choose(&options, NULL, 0) == (int)path,
		   kvm_prefault_path_name(path));
	}
	end();
	test_run("io_uring maps everything", SIZE / PAGE);
}

static void test_stock(void)
{
	begin();
	ok(takes(KVM_PREFAULT_PATH_PRE_FAULT, NONE_URING NONE_IOCTL
		 "pre-fault: KVM has KVM_PRE_FAULT_MEMORY, vCPUs given: 1"),
	   "the best is KVM_PRE_FAULT_MEMORY");
	options.nr_vcpu_fds = 0;
	options.vcpu_fds = NULL;
	ok(takes(KVM_PREFAULT_PATH_POPULATE, NONE_URING NONE_IOCTL
		 "pre-fault: no vCPU was given; " HAS_POPULATE),
	   "without a vCPU MADV_POPULATE_WRITE");
	piece.host_address = NULL;
	ok(takes(-EOPNOTSUPP, NONE_URING NONE_IOCTL "pre-fault: no vCPU was given; "
		 "populate: a piece of memory has no host address"),
	   "without host addresses nothing: EOPNOTSUPP");
	piece.host_address = memory;
	options.path = KVM_PREFAULT_PATH_URING;
	ok(takes(-EOPNOTSUPP, "uring: KVM does not offer it for this VM"),
	   "io_uring, if asked for: EOPNOTSUPP");
	end();
	test_run("memory is populated before it is mapped", SIZE / PAGE);
}

/* In a child the VM is another process's. */
static void test_child(void)
{
	int status = 0;
	pid_t pid;

	begin();
	pid = fork();
	if (!pid)
		_exit(kvm_prefault_session_choose(&options, NULL, 0) != -EIO);
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
	   "the VM of another process: EIO");
	end();
}

int main(int argc, char **argv)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int project = argc > 1 && !strcmp(argv[1], "project");

	if (fd < 0) {
		printf("1..0 # SKIP no KVM\n");
		return 0;
	}
	if ((ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAP_MEMORY) > 0) != project) {
		printf("1..0 # SKIP these are not the %s modules\n", argv[1]);
		return 0;
	}
	close(fd);
	if (project)
		test_project();
	else
		test_stock();
	test_child();
	return done_testing();
}
