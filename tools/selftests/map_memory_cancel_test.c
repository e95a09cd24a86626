// SPDX-License-Identifier: GPL-2.0
// quick: svm debug 7.3
/*
 * Each event that ends a job in the middle of its work: the job ends promptly,
 * reports exactly how far it came, and leaves nothing behind.
 */
#include <sched.h>
#include <signal.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"

#define CANCEL_DATA	7

FIXTURE(cancel) {
	struct blocked_job job;
	struct map_thread thread;
	struct io_uring ring;
};

FIXTURE_VARIANT(cancel) {
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(cancel, 1_worker) { .workers = 1 };
FIXTURE_VARIANT_ADD(cancel, 4_workers) { .workers = 4 };

FIXTURE_SETUP(cancel)
{
	if (!blocked_job_create(&self->job, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
}

FIXTURE_TEARDOWN(cancel)
{
}

static void submit(FIXTURE_DATA(cancel) *self, unsigned int ring_flags)
{
	map_ring_open(&self->ring, 4, ring_flags);
	blocked_job_submit(&self->job, &self->ring);
}

/* Both CQEs of a cancelled command, in whatever order they come. */
static void cancel_and_expect(struct io_uring *ring, uint64_t user_data,
			      int wanted_of_cancel)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	uint64_t start = now_ms(), seen;
	int i, result;

	io_uring_prep_cancel64(sqe, user_data, 0);
	sqe->user_data = CANCEL_DATA;
	map_ring_submit(ring, 1);
	for (i = 0; i < 2; i++) {
		result = map_ring_wait(ring, &seen);
		if (seen == CANCEL_DATA) {
			TEST_ASSERT_EQ(result, wanted_of_cancel);
		} else {
			TEST_ASSERT_EQ(seen, user_data);
			TEST_ASSERT_EQ(result, -ECANCELED);
		}
	}
	TEST_ASSERT(now_ms() - start < PROMPT_MS, "Cancelling took %lu ms",
		    now_ms() - start);
}

TEST_F_TIMEOUT(cancel, async_cancel, 60)
{
	submit(self, 0);
	cancel_and_expect(&self->ring, 1, -EALREADY);
	blocked_job_assert_left(&self->job);
	map_ring_assert_empty(&self->ring);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

TEST_F_TIMEOUT(cancel, async_cancel_with_sqpoll, 60)
{
	submit(self, IORING_SETUP_SQPOLL);
	cancel_and_expect(&self->ring, 1, -EALREADY);
	blocked_job_assert_left(&self->job);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

/* One io-wq thread, and the first request has it: the second waits. */
TEST_F_TIMEOUT(cancel, async_cancel_before_the_start, 60)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = SZ_1M,
	};
	struct kvm_map_memory_batch batch, before;
	unsigned int max_workers[2] = { 1, 1 };

	map_batch_init(&batch, &mapping, 1, variant->workers);
	before = batch;
	map_ring_open(&self->ring, 4, 0);
	ASSERT_EQ(0, io_uring_register_iowq_max_workers(&self->ring, max_workers));
	map_ring_prep(&self->ring, self->job.vm->fd, &self->job.batch, 1);
	map_ring_submit(&self->ring, 1);
	blocked_job_wait(&self->job);
	map_ring_prep(&self->ring, self->job.vm->fd, &batch, 2);
	map_ring_submit(&self->ring, 1);

	cancel_and_expect(&self->ring, 2, 0);
	ASSERT_EQ(0, memcmp(&before, &batch, sizeof(batch)));
	ASSERT_EQ(SZ_1M, mapping.size);

	cancel_and_expect(&self->ring, 1, -EALREADY);
	blocked_job_assert_left(&self->job);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

/* No other job may suffer. */
TEST_F_TIMEOUT(cancel, async_cancel_of_one_of_two, 60)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA + BLOCKED_OFFSET,
		.size = PAGE_SIZE,
	};
	struct kvm_map_memory_batch batch;

	map_batch_init(&batch, &mapping, 1, 1);
	submit(self, 0);
	map_ring_prep(&self->ring, self->job.vm->fd, &batch, 2);
	map_ring_submit(&self->ring, 1);
	uffd_gate_wait(&self->job.gate);

	cancel_and_expect(&self->ring, 1, -EALREADY);
	blocked_job_assert_left(&self->job);
	map_ring_assert_empty(&self->ring);
	uffd_gate_release(&self->job.gate, self->job.gate.hva, PAGE_SIZE);
	expect_cqe(&self->ring, 2, 0);
	assert_batch_done(&batch, PAGE_SIZE, 0);
	io_uring_queue_exit(&self->ring);

	uffd_gate_destroy(&self->job.gate);
	kvm_vm_free(self->job.vm);
	ASSERT_TRUE(wait_until(count_vms(getpid()) <= 0));
}

TEST_F_TIMEOUT(cancel, ring_exit, 60)
{
	submit(self, 0);
	io_uring_queue_exit(&self->ring);
	blocked_job_wait_left(&self->job);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

TEST_F_TIMEOUT(cancel, ring_exit_with_sqpoll, 60)
{
	submit(self, IORING_SETUP_SQPOLL);
	io_uring_queue_exit(&self->ring);
	blocked_job_wait_left(&self->job);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

static void *submit_and_exit(void *data)
{
	FIXTURE_DATA(cancel) *self = data;

	map_ring_prep(&self->ring, self->job.vm->fd, &self->job.batch, 1);
	map_ring_submit(&self->ring, 1);
	blocked_job_wait(&self->job);
	return NULL;
}

TEST_F_TIMEOUT(cancel, exit_of_the_submitting_thread, 60)
{
	pthread_t submitter;

	map_ring_open(&self->ring, 4, 0);
	ASSERT_EQ(0, pthread_create(&submitter, NULL, submit_and_exit, self));
	ASSERT_EQ(0, pthread_join(submitter, NULL));
	expect_cqe(&self->ring, 1, -ECANCELED);
	blocked_job_assert_left(&self->job);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

static void close_a_vm_fd(FIXTURE_DATA(cancel) *self)
{
	int fd = dup(self->job.vm->fd);

	TEST_ASSERT(fd >= 0 && !close(fd), "Cannot duplicate and close the VM's file");
}

TEST_F_TIMEOUT(cancel, vm_fd_closed_during_a_command, 60)
{
	submit(self, 0);
	close_a_vm_fd(self);
	expect_cqe(&self->ring, 1, -ECANCELED);
	blocked_job_assert_left(&self->job);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

TEST_F_TIMEOUT(cancel, vm_fd_closed_during_the_ioctl, 60)
{
	map_thread_start(&self->thread, self->job.vm, MAP_BY_IOCTL,
			 &self->job.batch);
	blocked_job_wait(&self->job);
	close_a_vm_fd(self);
	ASSERT_EQ(-ECANCELED, map_thread_join(&self->thread));
	blocked_job_assert_left(&self->job);
	blocked_job_finish(&self->job, MAP_BY_IOCTL);
}

static int close_what_was_inherited(void *data)
{
	FIXTURE_DATA(cancel) *self = data;

	return close(self->job.vm->fd);
}

/* A process that has inherited the descriptor has no say in what the VMM does. */
static void close_in_child(FIXTURE_DATA(cancel) *self, int clone_flags)
{
	static char stack[16384] __aligned(16);
	int status;
	pid_t child;

	submit(self, 0);
	child = clone(close_what_was_inherited, stack + sizeof(stack),
		      clone_flags | SIGCHLD, self);
	TEST_ASSERT(child > 0 && waitpid(child, &status, 0) == child && !status,
		    "The child cannot close the VM's file");
	map_ring_assert_empty(&self->ring);
	uffd_gate_destroy(&self->job.gate);
	expect_cqe(&self->ring, 1, 0);
	assert_batch_done(&self->job.batch, BLOCKED_SIZE, 0);
	io_uring_queue_exit(&self->ring);
	kvm_vm_free(self->job.vm);
}

TEST_F_TIMEOUT(cancel, vm_fd_closed_after_fork, 60)
{
	close_in_child(self, 0);
}

TEST_F_TIMEOUT(cancel, vm_fd_closed_after_vfork, 60)
{
	close_in_child(self, CLONE_VM | CLONE_VFORK);
}

/* The last descriptors of the VM and its vCPU: the VM goes with the job. */
TEST_F_TIMEOUT(cancel, last_vm_fd_closed_during_a_command, 60)
{
	uint64_t start;

	if (count_vms(getpid()) < 0)
		SKIP(return, "debugfs does not show VMs here");

	submit(self, 0);
	ASSERT_EQ(1, count_vms(getpid()));
	start = now_ms();
	kvm_vm_release(self->job.vm);
	expect_cqe(&self->ring, 1, -ECANCELED);
	io_uring_queue_exit(&self->ring);
	ASSERT_TRUE(wait_until(!count_vms(getpid())));
	ASSERT_GT(PROMPT_MS, now_ms() - start);
	ASSERT_TRUE(wait_until(!count_threads(HELPER_COMM)));
	ASSERT_EQ(8 * SZ_1M - BLOCKED_OFFSET, self->job.mappings[1].size);
}

static void on_signal(int signal)
{
}

TEST_F_TIMEOUT(cancel, signal_during_the_ioctl, 60)
{
	struct sigaction action = { .sa_handler = on_signal };
	uint64_t start;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	map_thread_start(&self->thread, self->job.vm, MAP_BY_IOCTL,
			 &self->job.batch);
	blocked_job_wait(&self->job);
	start = now_ms();
	ASSERT_EQ(0, pthread_kill(self->thread.thread, SIGUSR1));
	ASSERT_EQ(-EINTR, map_thread_join(&self->thread));
	ASSERT_GT(PROMPT_MS, now_ms() - start);
	blocked_job_assert_left(&self->job);
	blocked_job_finish(&self->job, MAP_BY_IOCTL);
}

/* Signals are for the ioctl; a command is not the business of a handler. */
TEST_F_TIMEOUT(cancel, signal_during_a_command, 60)
{
	struct sigaction action = { .sa_handler = on_signal };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	submit(self, 0);
	ASSERT_EQ(0, kill(getpid(), SIGUSR1));
	uffd_gate_destroy(&self->job.gate);
	expect_cqe(&self->ring, 1, 0);
	assert_batch_done(&self->job.batch, BLOCKED_SIZE, 0);
	io_uring_queue_exit(&self->ring);
	kvm_vm_free(self->job.vm);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
