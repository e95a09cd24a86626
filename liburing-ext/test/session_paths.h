/* SPDX-License-Identifier: MIT */
/* Tests that run on each path, which the program's arguments name. */
#ifndef SESSION_PATHS_H
#define SESSION_PATHS_H

#include "session_test.h"

/* Of the tests that follow. */
static unsigned int path;
static char *memory;
static int vm_fd = -1, vcpu_fd = -1;
static struct kvm_prefault_session_options options;
static struct kvm_prefault_memory piece;

/* Memory of a size, of which the VM has the lower part, and options for a session. */
static inline void path_begin(__u64 size, __u64 vm_size, unsigned int nr_workers)
{
	memory = memory_new(size);
	if (path != KVM_PREFAULT_PATH_POPULATE)
		vm_fd = vm_new(&vcpu_fd, BASE, memory, vm_size);
	memory_init(&piece, BASE, memory, size);
	kvm_prefault_session_options_init(&options, vm_fd, &piece, 1);
	options.path = path;
	options.nr_workers = nr_workers;
	if (path == KVM_PREFAULT_PATH_PRE_FAULT) {
		options.vcpu_fds = &vcpu_fd;
		options.nr_vcpu_fds = 1;
	}
}

static inline void path_end(__u64 size)
{
	if (vcpu_fd >= 0)
		close(vcpu_fd);
	if (vm_fd >= 0)
		close(vm_fd);
	vcpu_fd = -1;
	vm_fd = -1;
	munmap(memory, size);
}

/* What a session with the options reports when it has ended. */
static inline struct kvm_prefault_session_report path_run(void)
{
	struct kvm_prefault_session *session = session_new(&options);
	struct kvm_prefault_session_report report;

	must(kvm_prefault_session_start(session, NULL), "start");
	kvm_prefault_session_wait(session, -1);
	print_report(session);
	report = report_of(session);
	must(kvm_prefault_session_destroy(session), "destroy");
	return report;
}

/* For main(): the tests, the last of them NULL, on each path that is there. */
static inline int run_on_paths(int argc, char **argv, void (*const tests_of_path[])(void))
{
	void (*const *test)(void);
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i < argc; i++) {
		if (!use_path(argv[i], &path))
			continue;
		for (test = tests_of_path; *test; test++)
			(*test)();
	}
	return done_testing();
}

#endif /* SESSION_PATHS_H */
