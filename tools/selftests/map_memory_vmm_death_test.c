// SPDX-License-Identifier: GPL-2.0
// quick: svm debug 7.3
/*
 * The VMM is killed, exits, replaces itself, dumps core, is stopped or frozen
 * while its job is in the middle of its work.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/cgroup.h"
#include "lib/host_state.h"
#include "lib/vmm_process.h"

FIXTURE(vmm) {
	struct vmm_process vmm;
	struct cgroup cgroup;
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
	vmm_process_init(&self->vmm);
}

FIXTURE_TEARDOWN(vmm)
{
	vmm_process_destroy(&self->vmm);
}

/* Says 'b' when its job stands still, or 'n' if that cannot be arranged. */
static void start_job(FIXTURE_DATA(vmm) *self, struct blocked_job *job,
		      struct map_thread *thread, enum map_entry entry,
		      uint32_t workers)
{
	if (!blocked_job_create(job, workers)) {
		vmm_say(&self->vmm, 'n');
		_exit(0);
	}
	map_thread_start(thread, job->vm, entry, &job->batch);
	blocked_job_wait(job);
	vmm_say(&self->vmm, 'b');
}

/* The VMM is a process of its own, so that all of it can end. */
static bool fork_vmm(FIXTURE_DATA(vmm) *self, enum map_entry entry,
		     uint32_t workers, void (*then)(void))
{
	struct map_thread thread;
	struct blocked_job job;

	self->vmm.pid = fork();
	TEST_ASSERT(self->vmm.pid >= 0, "fork failed");
	if (self->vmm.pid)
		return vmm_hear(&self->vmm) == 'b';

	start_job(self, &job, &thread, entry, workers);
	if (then)
		then();
	pause();
	_exit(99);
}

TEST_F(vmm, sigkill)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, NULL))
		SKIP(return, "userfaultfd is not permitted");
	if (count_vms(self->vmm.pid) >= 0)
		ASSERT_EQ(1, count_vms(self->vmm.pid));
	ASSERT_EQ(0, kill(self->vmm.pid, SIGKILL));
	status = vmm_reap(&self->vmm);
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
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void dump_core(void)
{
	/* Its beginning is enough, in the machine's own memory. */
	struct rlimit limit = { .rlim_cur = 65536, .rlim_max = 65536 };

	TEST_ASSERT(!setrlimit(RLIMIT_CORE, &limit) && !chdir("/tmp"),
		    "Cannot prepare the core dump");
	abort();
}

/* All threads have to be still before the dump begins. */
TEST_F(vmm, core_dump)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, dump_core))
		SKIP(return, "userfaultfd is not permitted");
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	unlink("/tmp/core");
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
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP);
}

static bool vmm_is_stopped(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) &&
	       info.si_pid == pid;
}

/*
 * A VMM that is to stand still does so, all of its threads, whatever a job waits
 * for; once it goes on it finds how far the job came and can hand in the rest.
 */
static void go_on_after_the_stop(FIXTURE_DATA(vmm) *self, enum map_entry entry,
				 uint32_t workers)
{
	struct map_thread thread;
	struct blocked_job job;

	start_job(self, &job, &thread, entry, workers);
	TEST_ASSERT_EQ(map_thread_join(&thread), -EINTR);
	blocked_job_assert_left(&job);
	blocked_job_finish(&job, entry);
	_exit(0);
}

static void stop_and_continue(FIXTURE_DATA(vmm) *self)
{
	int status;

	TEST_ASSERT(!kill(self->vmm.pid, SIGSTOP), "kill failed");
	TEST_ASSERT(wait_until(vmm_is_stopped(self->vmm.pid)), "It does not stop");
	TEST_ASSERT(!kill(self->vmm.pid, SIGCONT), "kill failed");
	TEST_ASSERT(wait_until(waitpid(self->vmm.pid, &status, WNOHANG) == self->vmm.pid),
		    "It does not end");
	TEST_ASSERT(WIFEXITED(status) && !WEXITSTATUS(status), "It ended with %d", status);
}

TEST_F_TIMEOUT(vmm, stop_and_continue, 60)
{
	self->vmm.pid = fork();
	ASSERT_LE(0, self->vmm.pid);
	if (!self->vmm.pid)
		go_on_after_the_stop(self, variant->entry, variant->workers);
	if (vmm_hear(&self->vmm) != 'b')
		SKIP(return, "userfaultfd is not permitted");
	stop_and_continue(self);
}

/* In memory with userfaultfd: the progress, in the first page, and what is mapped. */
static void stop_at_progress(FIXTURE_DATA(vmm) *self, enum map_entry entry, bool at_start)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA + SZ_2M, .size = 2 * SZ_2M,
	};
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
	struct uffd_gate gate;
	struct kvm_vm *vm;
	void *hva;

	vm = test_vm_create(0, NULL);
	hva = test_slot_add(vm, TEST_SLOT, TEST_GPA, 3 * SZ_2M, VM_MEM_SRC_ANONYMOUS);
	if (!uffd_gate_close_off(&gate, hva, 3 * SZ_2M)) {
		vmm_say(&self->vmm, 'n');
		_exit(0);
	}
	map_batch_init(&batch, &mapping, 1, 1);
	batch.progress = (uint64_t)hva;
	if (!at_start)
		uffd_gate_release(&gate, hva, PAGE_SIZE);
	map_thread_start(&thread, vm, entry, &batch);
	if (!at_start) {
		TEST_ASSERT(uffd_gate_wait(&gate) == hva + SZ_2M, "It waits elsewhere");
		TEST_ASSERT(!madvise(hva, PAGE_SIZE, MADV_DONTNEED), "madvise failed");
		uffd_gate_release(&gate, hva + SZ_2M, 2 * SZ_2M);
	}
	TEST_ASSERT(uffd_gate_wait(&gate) == hva, "It does not wait for its progress");
	vmm_say(&self->vmm, 'b');

	TEST_ASSERT_EQ(map_thread_join(&thread), -EINTR);
	/* Where all is slow it is written in the middle of a chunk, too. */
	TEST_ASSERT(at_start ? mapping.size == 2 * SZ_2M :
		    mapping.size && mapping.size == 2 * SZ_2M - batch.bytes_mapped,
		    "0x%llx bytes are left", mapping.size);
	uffd_gate_destroy(&gate);
	map_batch_init(&batch, &mapping, 1, 1);
	TEST_ASSERT_EQ(map_batch(vm, entry, &batch), 0);
	_exit(0);
}

static bool fork_vmm_at_progress(FIXTURE_DATA(vmm) *self, enum map_entry entry,
				 bool at_start)
{
	self->vmm.pid = fork();
	TEST_ASSERT(self->vmm.pid >= 0, "fork failed");
	if (!self->vmm.pid)
		stop_at_progress(self, entry, at_start);
	return vmm_hear(&self->vmm) == 'b';
}

TEST_F_TIMEOUT(vmm, stop_and_continue_as_progress_begins, 60)
{
	if (!fork_vmm_at_progress(self, variant->entry, true))
		SKIP(return, "userfaultfd is not permitted");
	stop_and_continue(self);
}

TEST_F_TIMEOUT(vmm, stop_and_continue_as_progress_is_written, 60)
{
	if (!fork_vmm_at_progress(self, variant->entry, false))
		SKIP(return, "userfaultfd is not permitted");
	stop_and_continue(self);
}

/* A VMM in a cgroup of its own, frozen in the middle of a job. */
static void freeze_vmm(FIXTURE_DATA(vmm) *self, enum map_entry entry, uint32_t workers)
{
	self->vmm.pid = fork();
	TEST_ASSERT(self->vmm.pid >= 0, "fork failed");
	if (!self->vmm.pid)
		go_on_after_the_stop(self, entry, workers);
	TEST_ASSERT_EQ(vmm_hear(&self->vmm), 'b');
	cgroup_enter(&self->cgroup, self->vmm.pid);
	cgroup_set(&self->cgroup, "cgroup.freeze", "1");
	TEST_ASSERT(wait_until(cgroup_get(&self->cgroup, "cgroup.events", "frozen")),
		    "The VMM does not freeze");
}

TEST_F_TIMEOUT(vmm, freeze_and_thaw, 60)
{
	int status;

	if (!cgroup_create(&self->cgroup, "map-memory-frozen", ""))
		SKIP(return, "There are no control groups");
	freeze_vmm(self, variant->entry, variant->workers);
	cgroup_set(&self->cgroup, "cgroup.freeze", "0");
	ASSERT_TRUE(wait_until(waitpid(self->vmm.pid, &status, WNOHANG) == self->vmm.pid));
	ASSERT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	cgroup_destroy(&self->cgroup);
}

TEST_F_TIMEOUT(vmm, freeze_and_kill, 60)
{
	int status;

	if (!cgroup_create(&self->cgroup, "map-memory-frozen", ""))
		SKIP(return, "There are no control groups");
	freeze_vmm(self, variant->entry, variant->workers);
	ASSERT_EQ(0, kill(self->vmm.pid, SIGKILL));
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cgroup_destroy(&self->cgroup);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
