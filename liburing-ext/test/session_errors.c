// SPDX-License-Identifier: MIT
/*
 * Errors while a session runs: those that concern a page, and those that end it.  The
 * arguments are the paths.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "session_paths.h"

/* Linux 6.6. */
#ifndef UFFDIO_POISON
struct uffdio_poison {
	struct uffdio_range range;
	__u64 mode;
	__s64 updated;
};

#define UFFDIO_POISON	_IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif

#define SIZE	(8 * MIB)
#define BAD	(3 * MIB)
#define NOBODY	65534

static void test_no_slot(void)
{
	struct kvm_prefault_session_report report;

	if (path == KVM_PREFAULT_PATH_POPULATE)
		return;
	path_begin(SIZE, SIZE / 2, 1);
	report = path_run();
	ok(report.result == -ENOENT && report.first_error_address == BASE + SIZE / 2 &&
	   report.bytes_failed == SIZE / 2 && report.bytes_left == 0 &&
	   report.bytes_mapped + report.bytes_uncounted == SIZE / 2,
	   "memory that the VM lacks: ENOENT");
	path_end(SIZE);
}

static int poison(void)
{
	struct uffdio_poison call = {
		.range = { .start = (unsigned long)memory + BAD, .len = PAGE },
	};
	int gate = gate_new(memory + BAD, PAGE);
	int ret = gate < 0 || ioctl(gate, UFFDIO_POISON, &call);

	/* What is registered stays poisoned as long as the descriptor is open. */
	return ret ? -1 : gate;
}

static void test_poison(void)
{
	struct kvm_prefault_session_report report;
	int gate;

	path_begin(SIZE, SIZE, 1);
	gate = poison();
	if (gate < 0) {
		skip("a poisoned page: EHWPOISON", "no UFFDIO_POISON");
	} else {
		report = path_run();
		ok(report.result == -EHWPOISON && report.bytes_failed == PAGE &&
		   report.first_error_address == BASE + BAD && report.bytes_left == 0,
		   "a poisoned page: EHWPOISON");
		close(gate);
	}
	path_end(SIZE);
}

/* Many ranges that all fail are not tried for ever. */
static void test_many(void)
{
	static struct kvm_memory_mapping mappings[2000];
	struct kvm_prefault_session_report report;
	unsigned int i;

	path_begin(SIZE, SIZE, 1);
	for (i = 0; i < 2000; i++) {
		mappings[i].base_address = BASE + (1999 - i) * PAGE;
		mappings[i].size = PAGE;
	}
	munmap(memory, SIZE);
	options.mappings = mappings;
	options.nr_mappings = 2000;
	report = path_run();
	ok(report.result == -EFAULT && report.first_error_address == BASE + 1999 * PAGE &&
	   report.bytes_failed == 1024 * PAGE && report.bytes_left == 976 * PAGE,
	   "it gives up after 1024 errors in a row");
	path_end(SIZE);
}

static void test_closed(void)
{
	struct kvm_prefault_session *session;
	struct kvm_prefault_session_report report;

	if (path == KVM_PREFAULT_PATH_POPULATE)
		return;
	path_begin(SIZE, SIZE, 1);
	options.flags = KVM_PREFAULT_SESSION_START_PAUSED;
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	must(kvm_prefault_session_wait_paused(session, -1), "wait_paused");
	close(vm_fd);
	close(vcpu_fd);
	must(kvm_prefault_session_resume(session), "resume");
	ok(kvm_prefault_session_wait(session, -1) == -EBADF, "a closed VM: EBADF");
	report = report_of(session);
	print_report(session);
	ok(report.first_error == -EBADF && report.first_error_address == BASE &&
	   report.slices == 1, "ends the session");
	kvm_prefault_session_destroy(session);
	vm_fd = -1;
	vcpu_fd = -1;
	path_end(SIZE);
}

static int become_nobody(void)
{
	return setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	       setresuid(NOBODY, NOBODY, NOBODY);
}

/* Runs it in a child, whose exit status it returns; by a signal it is not 0 either. */
static int in_child(int (*run)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = run();
		fflush(stdout);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : status;
}

/* As a user with no threads left: io_uring ends its commands; the ioctl goes on. */
static int run_limited(void)
{
	struct rlimit limit = { 0, 0 };
	struct kvm_prefault_session *session;
	struct kvm_prefault_session_report report;

	path_begin(SIZE, SIZE, 1);
	options.flags = KVM_PREFAULT_SESSION_START_PAUSED;
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	if (setrlimit(RLIMIT_NPROC, &limit) || become_nobody())
		return 77;
	must(kvm_prefault_session_resume(session), "resume");
	kvm_prefault_session_wait(session, -1);
	print_report(session);
	report = report_of(session);
	return report.result || report.bytes_mapped != SIZE ||
	       report.path != KVM_PREFAULT_PATH_IOCTL;
}

static void test_no_thread(void)
{
	int status;

	if (path != KVM_PREFAULT_PATH_URING)
		return;
	status = in_child(run_limited);
	if (status == 77)
		skip("io_uring gets no thread", "not root");
	else
		ok(status == 0, "io_uring gets no thread: the ioctl goes on");
}

/* Of the machine, which root may exceed. */
static void set_files_of_all(unsigned long nr)
{
	FILE *file = fopen("/proc/sys/fs/file-max", "w");

	if (!file || fprintf(file, "%lu\n", nr) < 0 || fclose(file))
		bail_out("/proc/sys/fs/file-max");
}

static unsigned long files_of_all(void)
{
	FILE *file = fopen("/proc/sys/fs/file-max", "r");
	unsigned long nr;

	if (!file || fscanf(file, "%lu", &nr) != 1)
		bail_out("/proc/sys/fs/file-max");
	fclose(file);
	return nr;
}

static int create_as_nobody(void)
{
	struct kvm_prefault_session *session;

	if (become_nobody())
		bail_out("setresuid");
	return kvm_prefault_session_create(&session, &options) != -ENFILE;
}

/* In the test machine alone, as others would feel it. */
static void test_no_files(void)
{
	unsigned long before;
	int status;

	if (path != KVM_PREFAULT_PATH_POPULATE)
		return;
	if (!getenv("TESTVM")) {
		skip("the host's limit of files", "not in the test machine");
		return;
	}
	path_begin(SIZE, SIZE, 1);
	before = files_of_all();
	set_files_of_all(0);
	status = in_child(create_as_nobody);
	set_files_of_all(before);
	ok(status == 0, "the host's limit of files: ENFILE");
	path_end(SIZE);
}

int main(int argc, char **argv)
{
	static void (*const tests_of_path[])(void) = {
		test_no_slot, test_poison, test_many, test_closed, test_no_thread,
		test_no_files, NULL
	};

	return run_on_paths(argc, argv, tests_of_path);
}
