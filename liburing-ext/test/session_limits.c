// SPDX-License-Identifier: MIT
/* What fails where the process's limits are met, and that nothing is lost or left. */
#include <dirent.h>
#include <sys/resource.h>

#include "session_test.h"

#define SIZE		(4 * MIB)
#define NR_MAPPINGS	(1U << 20)

static struct kvm_prefault_session_options options;
static struct kvm_prefault_memory piece;

static void set_limit(int resource, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		bail_out("getrlimit");
	limit.rlim_cur = value;
	if (setrlimit(resource, &limit))
		bail_out("setrlimit");
}

static int count_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int nr = 0;

	while (readdir(directory))
		nr++;
	closedir(directory);
	return nr;
}

static void test_files(void)
{
	struct kvm_prefault_session *session;
	int ret, before = count_files();

	set_limit(RLIMIT_NOFILE, 3);
	ret = kvm_prefault_session_create(&session, &options);
	set_limit(RLIMIT_NOFILE, 1000);
	ok(ret == -EMFILE, "no more descriptors: EMFILE");
	session = session_new(&options);
	kvm_prefault_session_destroy(session);
	ok(count_files() == before, "none is left");
}

static void test_memory(void)
{
	struct kvm_memory_mapping *mappings = calloc(NR_MAPPINGS, sizeof(*mappings));
	struct kvm_prefault_session *session = session_new(&options);
	unsigned int i;
	int create, urgent;

	for (i = 0; i < NR_MAPPINGS; i++) {
		mappings[i].base_address = BASE;
		mappings[i].size = PAGE;
	}
	options.mappings = mappings;
	options.nr_mappings = NR_MAPPINGS;
	set_limit(RLIMIT_AS, 1);
	urgent = kvm_prefault_session_urgent(session, mappings, NR_MAPPINGS);
	create = kvm_prefault_session_create(&session, &options);
	set_limit(RLIMIT_AS, RLIM_INFINITY);
	ok(create == -ENOMEM, "create without memory: ENOMEM");
	ok(urgent == -ENOMEM && report_of(session).bytes_total == SIZE,
	   "urgent ranges without memory: ENOMEM, none was taken");
	kvm_prefault_session_destroy(session);
	free(mappings);
	options.mappings = NULL;
	options.nr_mappings = 0;
}

static void test_thread(void)
{
	struct kvm_prefault_session *session = session_new(&options);
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1UL << 46);
	ok(kvm_prefault_session_start(session, &attr) == -EAGAIN,
	   "a thread that cannot be created: EAGAIN");
	pthread_attr_destroy(&attr);
	ok(kvm_prefault_session_start(session, NULL) == 0 &&
	   kvm_prefault_session_wait(session, -1) == 0, "start again");
	kvm_prefault_session_destroy(session);
}

int main(void)
{
	char *memory = memory_new(SIZE);

	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, -1, &piece, 1);
	test_files();
	test_memory();
	test_thread();
	return done_testing();
}
