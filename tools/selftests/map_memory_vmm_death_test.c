// SPDX-License-Identifier: GPL-2.0
/*
 * The VMM is killed, exits, replaces itself or is stopped while its job is in
 * the middle of its work.
 */
#include <poll.h>
#include <signal.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"

FIXTURE(vmm) {
	pid_t pid;
	uint64_t page_tables_kib;
	int to_test;	/* the VMM's end of the pipe */
	int from_vmm;
};

FIXTURE_VARIANT(vmm) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(vmm, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(vmm, ioctl_4_workers) {
	.entry = MAP_BY_IOCTL, .workers = 4,
};

FIXTURE_VARIANT_ADD(vmm, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(vmm, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

FIXTURE_SETUP(vmm)
{
	int fds[2];

	self->page_tables_kib = vm_page_tables_kib();
	ASSERT_EQ(0, pipe(fds));
	self->from_vmm = fds[0];
	self->to_test = fds[1];
}

FIXTURE_TEARDOWN(vmm)
{
	close(self->from_vmm);
	close(self->to_test);
}

static void say(FIXTURE_DATA(vmm) *self, char word)
{
	TEST_ASSERT(write(self->to_test, &word, 1) == 1, "The test is gone");
}

static char hear(FIXTURE_DATA(vmm) *self)
{
	struct pollfd pollfd = { .fd = self->from_vmm, .events = POLLIN };
	char word;

	TEST_ASSERT(poll(&pollfd, 1, DEADLINE_MS) == 1 &&
		    read(self->from_vmm, &word, 1) == 1, "The VMM says nothing");
	return word;
}

/* Says 'b' when its job stands still, or 'n' if that cannot be arranged. */
static void start_job(FIXTURE_DATA(vmm) *self, struct blocked_job *job,
		      struct map_thread *thread, enum map_entry entry,
		      uint32_t workers)
{
	if (!blocked_job_create(job, workers)) {
		say(self, 'n');
		_exit(0);
	}
	map_thread_start(thread, job->vm, entry, &job->batch);
	blocked_job_wait(job);
	say(self, 'b');
}

/* The VMM is a process of its own, so that all of it can end. */
static bool fork_vmm(FIXTURE_DATA(vmm) *self, enum map_entry entry,
		     uint32_t workers, void (*then)(void))
{
	struct map_thread thread;
	struct blocked_job job;

	self->pid = fork();
	TEST_ASSERT(self->pid >= 0, "fork failed");
	if (self->pid)
		return hear(self) == 'b';

	start_job(self, &job, &thread, entry, workers);
	if (then)
		then();
	pause();
	_exit(99);
}

static int reap(FIXTURE_DATA(vmm) *self)
{
	uint64_t start = now_ms();
	int status;

	TEST_ASSERT(wait_until(waitpid(self->pid, &status, WNOHANG) == self->pid),
		    "The VMM does not end");
	TEST_ASSERT(now_ms() - start < PROMPT_MS, "The VMM took %lu ms to end",
		    now_ms() - start);
	TEST_ASSERT(wait_until(count_vms(self->pid) <= 0),
		    "The VM outlives its process");
	TEST_ASSERT(wait_until(vm_page_tables_kib() <= self->page_tables_kib),
		    "The VM's page tables outlive its process");
	return status;
}

TEST_F(vmm, sigkill)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, NULL))
		SKIP(return, "userfaultfd is not permitted");
	if (count_vms(self->pid) >= 0)
		ASSERT_EQ(1, count_vms(self->pid));
	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	status = reap(self);
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void exit_now(void)
{
	_exit(42);
}

TEST_F(vmm, exit)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, exit_now))
		SKIP(return, "userfaultfd is not permitted");
	status = reap(self);
	ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void exec_now(void)
{
	/* This program again, which exits at once when asked for its help. */
	TEST_ASSERT(freopen("/dev/null", "w", stderr), "Cannot open /dev/null");
	execl("/proc/self/exe", "vmm", "-h", NULL);
}

TEST_F(vmm, exec)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, exec_now))
		SKIP(return, "userfaultfd is not permitted");
	status = reap(self);
	ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP);
}

static bool vmm_is_stopped(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) &&
	       info.si_pid == pid;
}

/*
 * A stopped VMM stops, all of its threads, whatever a job waits for; once it
 * goes on it finds how far the job came and can hand in the rest.
 */
TEST_F_TIMEOUT(vmm, stop_and_continue, 60)
{
	int status;

	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		struct map_thread thread;
		struct blocked_job job;

		start_job(self, &job, &thread, variant->entry, variant->workers);
		TEST_ASSERT_EQ(map_thread_join(&thread), -EINTR);
		blocked_job_assert_left(&job);
		blocked_job_finish(&job, variant->entry);
		_exit(0);
	}
	if (hear(self) != 'b')
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	ASSERT_TRUE(wait_until(vmm_is_stopped(self->pid)));
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	ASSERT_TRUE(wait_until(waitpid(self->pid, &status, WNOHANG) == self->pid));
	ASSERT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_BATCH);
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_URING);
	return test_harness_run(argc, argv);
}
