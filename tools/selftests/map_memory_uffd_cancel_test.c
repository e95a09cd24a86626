// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * Workers that wait for pages of userfaultfd, in each of its modes, can all be
 * called off: nobody gives the pages.
 */
#include <poll.h>
#include <signal.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/uffd_job.h"

FIXTURE(uffd_cancel) {
	struct uffd_job job;
	uint32_t blocked;
};

UFFD_JOB_VARIANTS(uffd_cancel);

FIXTURE_SETUP(uffd_cancel)
{
	if (!uffd_job_create(&self->job, &variant->v))
		SKIP(return, "This memory or this mode of userfaultfd is not to be had");
	uffd_job_hold_back(&self->job, UFFD_JOB_RANGES);
	self->blocked = variant->v.workers;
}

FIXTURE_TEARDOWN(uffd_cancel)
{
	uffd_job_destroy(&self->job);
}

/* Each of the workers came to the page held back in its range, and no further. */
static void expect_left(struct uffd_job *job, uint32_t blocked)
{
	uint32_t i;

	for (i = 0; i < UFFD_JOB_RANGES; i++) {
		uint64_t done = i < blocked ? job->gate : 0;

		TEST_ASSERT_EQ(job->mappings[i].base_address,
			       TEST_GPA + i * UFFD_JOB_RANGE_SIZE + done);
		TEST_ASSERT_EQ(job->mappings[i].size, UFFD_JOB_RANGE_SIZE - done);
	}
	TEST_ASSERT_EQ(job->batch.first_undone, 0);
	TEST_ASSERT_EQ(job->batch.workers_used, blocked);
	TEST_ASSERT_EQ(job->batch.bytes_mapped, blocked * job->gate);
	TEST_ASSERT_EQ(job->batch.bytes_present, 0);
	TEST_ASSERT_EQ(job->batch.bytes_skipped, 0);
	TEST_ASSERT_EQ(uffd_job_bytes_mapped(job), blocked * job->gate);
}

/* With the pages there the rest can be submitted as it is. */
static void finish(struct uffd_job *job, uint32_t blocked, enum map_entry entry)
{
	uint32_t i;

	for (i = 0; i < UFFD_JOB_RANGES; i++)
		uffd_memory_give(&job->mem, i * UFFD_JOB_RANGE_SIZE + job->gate);
	TEST_ASSERT_EQ(map_batch(job->vm, entry, &job->batch), 0);
	assert_batch_done(&job->batch, UFFD_JOB_SIZE - blocked * job->gate, 0);
	TEST_ASSERT_EQ(uffd_job_guest_verify(job), 0);
}

TEST_F(uffd_cancel, async_cancel)
{
	struct uffd_job *job = &self->job;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int results[2];

	map_ring_open(&ring, 4, 0);
	map_ring_prep(&ring, job->vm->fd, &job->batch, 0);
	map_ring_submit(&ring, 1);
	uffd_job_wait_blocked(job, self->blocked);

	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_cancel64(sqe, 0, 0);
	sqe->user_data = 1;
	map_ring_submit(&ring, 1);
	map_ring_wait_all(&ring, results, 2);
	ASSERT_EQ(-ECANCELED, results[0]);
	ASSERT_EQ(-EALREADY, results[1]);
	expect_left(job, self->blocked);
	finish(job, self->blocked, variant->v.entry);
	/* Not before: its end would interrupt the ioctl, which counts exactly. */
	io_uring_queue_exit(&ring);
}

TEST_F(uffd_cancel, vm_fd_closed)
{
	struct uffd_job *job = &self->job;
	int fd;

	uffd_job_start(job, &variant->v);
	uffd_job_wait_blocked(job, self->blocked);
	fd = dup(job->vm->fd);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(-ECANCELED, map_thread_join(&job->thread));
	expect_left(job, self->blocked);
	finish(job, self->blocked, variant->v.entry);
}

static void on_signal(int signal)
{
}

TEST_F(uffd_cancel, signal_during_the_ioctl)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct uffd_job *job = &self->job;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	map_thread_start(&job->thread, job->vm, MAP_BY_IOCTL, &job->batch);
	uffd_job_wait_blocked(job, self->blocked);
	ASSERT_EQ(0, pthread_kill(job->thread.thread, SIGUSR1));
	ASSERT_EQ(-EINTR, map_thread_join(&job->thread));
	expect_left(job, self->blocked);
	finish(job, self->blocked, variant->v.entry);
}

struct vcpu_call {
	struct kvm_vcpu *vcpu;
	struct kvm_memory_mapping mapping;
	int result;
};

static void *vcpu_call(void *data)
{
	struct vcpu_call *call = data;

	call->result = __vcpu_ioctl(call->vcpu, KVM_MAP_MEMORY, &call->mapping) ?
		       -errno : 0;
	return NULL;
}

TEST_F(uffd_cancel, signal_during_the_ioctl_of_a_vcpu)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct uffd_job *job = &self->job;
	struct vcpu_call call = {
		.vcpu = job->vcpu,
		.mapping = { .base_address = TEST_GPA, .size = UFFD_JOB_SIZE },
	};
	uint32_t i;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, pthread_create(&job->thread.thread, NULL, vcpu_call, &call));
	uffd_job_wait_blocked(job, 1);
	ASSERT_EQ(0, pthread_kill(job->thread.thread, SIGUSR1));
	map_thread_join(&job->thread);
	ASSERT_EQ(-EINTR, call.result);
	ASSERT_EQ(TEST_GPA + job->gate, call.mapping.base_address);
	ASSERT_EQ(UFFD_JOB_SIZE - job->gate, call.mapping.size);
	ASSERT_EQ(job->gate, uffd_job_bytes_mapped(job));

	for (i = 0; i < UFFD_JOB_RANGES; i++)
		uffd_memory_give(&job->mem, i * UFFD_JOB_RANGE_SIZE + job->gate);
	ASSERT_EQ(0, vcpu_map_memory(job->vcpu, &call.mapping));
	ASSERT_EQ(0, call.mapping.size);
	ASSERT_EQ(0, uffd_job_guest_verify(job));
}

FIXTURE(uffd_killed) {
	pid_t pid;
	uint64_t page_tables_kib;
	int pipe[2];
};

UFFD_JOB_VARIANTS(uffd_killed);

FIXTURE_SETUP(uffd_killed)
{
	self->page_tables_kib = vm_page_tables_kib();
	ASSERT_EQ(0, pipe(self->pipe));
}

FIXTURE_TEARDOWN(uffd_killed)
{
	close(self->pipe[0]);
	close(self->pipe[1]);
}

/* The VMM: says 'b' when its threads wait, or 'n' if that cannot be arranged. */
static void vmm(int fd, const struct uffd_job_variant *variant, bool by_vcpu)
{
	struct vcpu_call call = {
		.mapping = { .base_address = TEST_GPA, .size = UFFD_JOB_SIZE },
	};
	static struct uffd_job job;

	if (!uffd_job_create(&job, variant)) {
		TEST_ASSERT(write(fd, "n", 1) == 1, "The test is gone");
		_exit(0);
	}
	uffd_job_hold_back(&job, UFFD_JOB_RANGES);
	call.vcpu = job.vcpu;
	if (by_vcpu)
		TEST_ASSERT(!pthread_create(&job.thread.thread, NULL, vcpu_call, &call),
			    "Cannot create a thread");
	else
		uffd_job_start(&job, variant);
	uffd_job_wait_blocked(&job, by_vcpu ? 1 : variant->workers);
	TEST_ASSERT(write(fd, "b", 1) == 1, "The test is gone");
	for (;;)
		pause();
}

/* Not of the fixture: hugetlb's pool is left as the VMM has made it. */
static void reap(pid_t pid, uint64_t page_tables_kib)
{
	uint64_t start = now_ms();
	int status;

	TEST_ASSERT(!kill(pid, SIGKILL), "Cannot kill the VMM");
	TEST_ASSERT(wait_until(waitpid(pid, &status, WNOHANG) == pid),
		    "The VMM does not end");
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		    "The VMM ended with status 0x%x", status);
	TEST_ASSERT(wait_until(count_vms(pid) <= 0), "The VM outlives its process");
	TEST_ASSERT(wait_until(vm_page_tables_kib() <= page_tables_kib),
		    "The VM's page tables outlive its process");
	TEST_ASSERT(now_ms() - start < PROMPT_MS, "It took %lu ms", now_ms() - start);
}

static bool fork_and_kill(FIXTURE_DATA(uffd_killed) *self,
			  const struct uffd_job_variant *variant, bool by_vcpu)
{
	struct pollfd pollfd = { .fd = self->pipe[0], .events = POLLIN };
	char word;

	self->pid = fork();
	TEST_ASSERT(self->pid >= 0, "fork failed");
	if (!self->pid)
		vmm(self->pipe[1], variant, by_vcpu);

	TEST_ASSERT(poll(&pollfd, 1, DEADLINE_MS) == 1 &&
		    read(self->pipe[0], &word, 1) == 1, "The VMM says nothing");
	if (word == 'n') {
		waitpid(self->pid, NULL, 0);
		return false;
	}
	TEST_ASSERT(count_vms(self->pid), "The VMM has no VM");
	reap(self->pid, self->page_tables_kib);
	return true;
}

TEST_F(uffd_killed, during_a_job)
{
	if (!fork_and_kill(self, &variant->v, false))
		SKIP(return, "This memory or this mode of userfaultfd is not to be had");
}

TEST_F(uffd_killed, during_the_ioctl_of_a_vcpu)
{
	if (!fork_and_kill(self, &variant->v, true))
		SKIP(return, "This memory or this mode of userfaultfd is not to be had");
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
