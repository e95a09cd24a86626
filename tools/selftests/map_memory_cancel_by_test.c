// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Each way in which a cancel request can identify a command: by its file, by its
 * opcode, any request there is, a linked timeout; and the command's credentials.
 */
#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"

#ifndef IORING_ASYNC_CANCEL_OP
#define IORING_ASYNC_CANCEL_OP	(1U << 5)
#endif

#define UNPRIVILEGED	65534

/* Entries of the ring. */
enum { CANCEL, JOB, SECOND, NR_ENTRIES };

FIXTURE(cancel_by) {
	struct blocked_job job;
	struct io_uring ring;
	struct kvm_memory_mapping page;
	struct kvm_map_memory_batch second;
	int results[NR_ENTRIES];
};

FIXTURE_VARIANT(cancel_by) {
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(cancel_by, 1_worker) { .workers = 1 };
FIXTURE_VARIANT_ADD(cancel_by, 4_workers) { .workers = 4 };

FIXTURE_SETUP(cancel_by)
{
	if (!blocked_job_create(&self->job, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	map_ring_open(&self->ring, 4, 0);
}

FIXTURE_TEARDOWN(cancel_by)
{
}

static void cancel(FIXTURE_DATA(cancel_by) *self, unsigned int flags, int fd,
		   unsigned int opcode)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_ASYNC_CANCEL;
	sqe->cancel_flags = flags;
	sqe->fd = fd;
	sqe->len = opcode;
	sqe->user_data = CANCEL;
	map_ring_submit(&self->ring, 1);
}

static void finish(FIXTURE_DATA(cancel_by) *self)
{
	blocked_job_assert_left(&self->job);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

/* The CQEs of the cancellation and of @nr_jobs jobs, which it found running. */
static void expect_cancelled(FIXTURE_DATA(cancel_by) *self, int nr_jobs)
{
	uint64_t start = now_ms();

	map_ring_wait_all(&self->ring, self->results, 1 + nr_jobs);
	TEST_ASSERT(now_ms() - start < PROMPT_MS, "It took %lu ms",
		    now_ms() - start);
	TEST_ASSERT_EQ(self->results[JOB], -ECANCELED);
	if (nr_jobs == 1) {
		TEST_ASSERT_EQ(self->results[CANCEL], -EALREADY);
		return;
	}
	/* How many it found, where Linux 6.12 leaves out those that run. */
	TEST_ASSERT(self->results[CANCEL] >= 0, "Result %d", self->results[CANCEL]);
	TEST_ASSERT_EQ(self->results[SECOND], -ECANCELED);
	TEST_ASSERT_EQ(self->page.size, PAGE_SIZE);
	TEST_ASSERT_EQ(self->second.bytes_mapped, 0);
}

/* A second job, at a page of its own, that the first one does not reach. */
static void submit_second(FIXTURE_DATA(cancel_by) *self)
{
	self->page = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA + BLOCKED_SIZE - PAGE_SIZE,
		.size = PAGE_SIZE,
	};
	map_batch_init(&self->second, &self->page, 1, 1);
	map_ring_prep(&self->ring, self->job.vm->fd, &self->second, SECOND);
	map_ring_submit(&self->ring, 1);
	TEST_ASSERT(uffd_gate_wait(&self->job.gate) ==
		    self->job.hva + BLOCKED_SIZE - PAGE_SIZE,
		    "The second job is at another page");
}

TEST_F_TIMEOUT(cancel_by, file, 60)
{
	blocked_job_submit(&self->job, &self->ring);
	cancel(self, IORING_ASYNC_CANCEL_FD, self->job.vm->fd, 0);
	expect_cancelled(self, 1);
	finish(self);
}

TEST_F_TIMEOUT(cancel_by, another_descriptor_of_the_file, 60)
{
	int fd = dup(self->job.vm->fd);

	ASSERT_LE(0, fd);
	blocked_job_submit(&self->job, &self->ring);
	cancel(self, IORING_ASYNC_CANCEL_FD, fd, 0);
	/* Closing it earlier would be a cancellation in itself. */
	expect_cancelled(self, 1);
	close(fd);
	finish(self);
}

TEST_F_TIMEOUT(cancel_by, another_file, 60)
{
	blocked_job_submit(&self->job, &self->ring);
	cancel(self, IORING_ASYNC_CANCEL_FD, self->job.vm->kvm_fd, 0);
	expect_cqe(&self->ring, CANCEL, -ENOENT);
	blocked_job_let_go(&self->job, &self->ring);
}

TEST_F_TIMEOUT(cancel_by, fixed_file, 60)
{
	struct io_uring_sqe *sqe;

	ASSERT_EQ(0, io_uring_register_files(&self->ring, &self->job.vm->fd, 1));
	sqe = map_ring_prep(&self->ring, 0, &self->job.batch, JOB);
	sqe->flags |= IOSQE_FIXED_FILE;
	map_ring_submit(&self->ring, 1);
	blocked_job_wait(&self->job);
	cancel(self, IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_FD_FIXED, 0, 0);
	expect_cancelled(self, 1);
	finish(self);
}

TEST_F_TIMEOUT(cancel_by, opcode, 60)
{
	blocked_job_submit(&self->job, &self->ring);
	cancel(self, IORING_ASYNC_CANCEL_OP, 0, IORING_OP_READ);
	expect_cqe(&self->ring, CANCEL, -ENOENT);
	map_ring_assert_empty(&self->ring);
	cancel(self, IORING_ASYNC_CANCEL_OP, 0, IORING_OP_URING_CMD);
	expect_cancelled(self, 1);
	finish(self);
}

TEST_F_TIMEOUT(cancel_by, file_for_all_of_them, 60)
{
	blocked_job_submit(&self->job, &self->ring);
	submit_second(self);
	cancel(self, IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL,
	       self->job.vm->fd, 0);
	expect_cancelled(self, 2);
	finish(self);
}

TEST_F_TIMEOUT(cancel_by, whatever_there_is, 60)
{
	blocked_job_submit(&self->job, &self->ring);
	submit_second(self);
	cancel(self, IORING_ASYNC_CANCEL_ANY, 0, 0);
	expect_cancelled(self, 2);
	finish(self);
}

/* It returns when the command is gone. */
TEST_F_TIMEOUT(cancel_by, registration_that_waits, 60)
{
	struct io_uring_sync_cancel_reg reg = {
		.addr = JOB,
		.timeout = { .tv_sec = -1, .tv_nsec = -1 },
	};

	blocked_job_submit(&self->job, &self->ring);
	ASSERT_EQ(0, io_uring_register_sync_cancel(&self->ring, &reg));
	expect_cqe(&self->ring, JOB, -ECANCELED);
	finish(self);
}

TEST_F_TIMEOUT(cancel_by, what_is_done_already, 60)
{
	struct kvm_memory_mapping mapping = { .base_address = TEST_GPA, .size = SZ_1M };
	struct kvm_map_memory_batch batch;

	map_batch_init(&batch, &mapping, 1, variant->workers);
	map_ring_prep(&self->ring, self->job.vm->fd, &batch, JOB);
	map_ring_submit(&self->ring, 1);
	expect_cqe(&self->ring, JOB, 0);
	cancel(self, IORING_ASYNC_CANCEL_FD, self->job.vm->fd, 0);
	expect_cqe(&self->ring, CANCEL, -ENOENT);
	assert_batch_done(&batch, SZ_1M, 0);
	io_uring_queue_exit(&self->ring);
	uffd_gate_destroy(&self->job.gate);
	kvm_vm_free(self->job.vm);
}

static void submit_with_timeout(FIXTURE_DATA(cancel_by) *self,
				struct __kernel_timespec *timeout)
{
	struct io_uring_sqe *sqe;

	sqe = map_ring_prep(&self->ring, self->job.vm->fd, &self->job.batch, JOB);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_link_timeout(sqe, timeout, 0);
	sqe->user_data = CANCEL;
	map_ring_submit(&self->ring, 2);
}

/* Whether it comes before the job stands at the gate does not matter. */
TEST_F_TIMEOUT(cancel_by, linked_timeout, 60)
{
	struct __kernel_timespec timeout = { .tv_nsec = 300000000 };

	submit_with_timeout(self, &timeout);
	map_ring_wait_all(&self->ring, self->results, 2);
	ASSERT_EQ(-ECANCELED, self->results[JOB]);
	/* -ECANCELED would be a timeout that was not needed. */
	ASSERT_GT(0, self->results[CANCEL]);
	ASSERT_NE(-ECANCELED, self->results[CANCEL]);
	ASSERT_NE(0, self->job.mappings[2].size);
	io_uring_queue_exit(&self->ring);
	uffd_gate_destroy(&self->job.gate);
	kvm_vm_free(self->job.vm);
	ASSERT_TRUE(wait_until(count_vms(getpid()) <= 0));
}

TEST_F_TIMEOUT(cancel_by, linked_timeout_that_is_not_needed, 60)
{
	struct __kernel_timespec timeout = { .tv_sec = 1000 };

	submit_with_timeout(self, &timeout);
	blocked_job_wait(&self->job);
	map_ring_assert_empty(&self->ring);
	uffd_gate_destroy(&self->job.gate);
	map_ring_wait_all(&self->ring, self->results, 2);
	ASSERT_EQ(0, self->results[JOB]);
	ASSERT_EQ(-ECANCELED, self->results[CANCEL]);
	assert_batch_done(&self->job.batch, BLOCKED_SIZE, 0);
	io_uring_queue_exit(&self->ring);
	kvm_vm_free(self->job.vm);
	ASSERT_TRUE(wait_until(count_vms(getpid()) <= 0));
}

/* The rights of the VM's file were decided when it was opened. */
TEST_F_TIMEOUT(cancel_by, personality_that_is_gone, 60)
{
	struct io_uring_sqe *sqe;
	int id;

	if (geteuid())
		SKIP(return, "root is needed to become somebody else");

	ASSERT_EQ(0, setresuid(-1, UNPRIVILEGED, 0));
	id = io_uring_register_personality(&self->ring);
	ASSERT_EQ(0, setresuid(-1, 0, -1));
	ASSERT_LT(0, id);

	sqe = map_ring_prep(&self->ring, self->job.vm->fd, &self->job.batch, JOB);
	sqe->personality = id;
	map_ring_submit(&self->ring, 1);
	blocked_job_wait(&self->job);
	ASSERT_EQ(0, io_uring_unregister_personality(&self->ring, id));
	map_ring_assert_empty(&self->ring);

	/* Nor may the next one have it. */
	self->page = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA,
		.size = PAGE_SIZE,
	};
	map_batch_init(&self->second, &self->page, 1, 1);
	sqe = map_ring_prep(&self->ring, self->job.vm->fd, &self->second, SECOND);
	sqe->personality = id;
	map_ring_submit(&self->ring, 1);
	expect_cqe(&self->ring, SECOND, -EINVAL);
	ASSERT_EQ(PAGE_SIZE, self->page.size);

	blocked_job_let_go(&self->job, &self->ring);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
