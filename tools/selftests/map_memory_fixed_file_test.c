// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * A VM's file in the table of a ring: what becomes of a command in flight, and
 * of the VM, when the table changes.
 */
#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"

FIXTURE(fixed_file) {
	struct blocked_job job;
	struct io_uring ring;
	pthread_t thread;
};

FIXTURE_VARIANT(fixed_file) {
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(fixed_file, 1_worker) { .workers = 1 };
FIXTURE_VARIANT_ADD(fixed_file, 4_workers) { .workers = 4 };

FIXTURE_SETUP(fixed_file)
{
	if (!blocked_job_create(&self->job, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	map_ring_open(&self->ring, 4, 0);
	ASSERT_EQ(0, io_uring_register_files(&self->ring, &self->job.vm->fd, 1));
}

FIXTURE_TEARDOWN(fixed_file)
{
}

static void submit(FIXTURE_DATA(fixed_file) *self)
{
	struct io_uring_sqe *sqe;

	sqe = map_ring_prep(&self->ring, 0, &self->job.batch, 1);
	sqe->flags |= IOSQE_FIXED_FILE;
	map_ring_submit(&self->ring, 1);
	blocked_job_wait(&self->job);
}

static void cancel(FIXTURE_DATA(fixed_file) *self)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
	int results[2];

	io_uring_prep_cancel64(sqe, 1, 0);
	sqe->user_data = 0;
	map_ring_submit(&self->ring, 1);
	map_ring_wait_all(&self->ring, results, 2);
	TEST_ASSERT_EQ(results[0], -EALREADY);
	TEST_ASSERT_EQ(results[1], -ECANCELED);
}

static void take_out_of_the_table(FIXTURE_DATA(fixed_file) *self)
{
	int none = -1;

	TEST_ASSERT_EQ(io_uring_register_files_update(&self->ring, 0, &none, 1), 1);
}

static void *unregister(void *data)
{
	return (void *)(long)io_uring_unregister_files(data);
}

/* Linux 6.12 waits for the requests that use the table. */
static void start_unregistering(FIXTURE_DATA(fixed_file) *self)
{
	TEST_ASSERT(!pthread_create(&self->thread, NULL, unregister, &self->ring),
		    "Cannot create a thread");
}

static void finish_unregistering(FIXTURE_DATA(fixed_file) *self)
{
	struct timespec end;
	void *result;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += DEADLINE_MS / 1000;
	TEST_ASSERT(!pthread_timedjoin_np(self->thread, &result, &end),
		    "Unregistering does not end");
	TEST_ASSERT_EQ((long)result, 0);
}

TEST_F_TIMEOUT(fixed_file, updated_in_flight, 60)
{
	submit(self);
	take_out_of_the_table(self);
	blocked_job_let_go(&self->job, &self->ring);
}

TEST_F_TIMEOUT(fixed_file, updated_then_cancelled, 60)
{
	submit(self);
	take_out_of_the_table(self);
	cancel(self);
	blocked_job_assert_left(&self->job);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

TEST_F_TIMEOUT(fixed_file, unregistered_in_flight, 60)
{
	submit(self);
	start_unregistering(self);
	uffd_gate_destroy(&self->job.gate);
	expect_cqe(&self->ring, 1, 0);
	assert_batch_done(&self->job.batch, BLOCKED_SIZE, 0);
	finish_unregistering(self);
	io_uring_queue_exit(&self->ring);
	kvm_vm_free(self->job.vm);
	ASSERT_TRUE(wait_until(count_vms(getpid()) <= 0));
}

TEST_F_TIMEOUT(fixed_file, unregistered_then_cancelled, 60)
{
	submit(self);
	start_unregistering(self);
	cancel(self);
	blocked_job_assert_left(&self->job);
	finish_unregistering(self);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

/* The VM has no descriptor any more, only the table and then the command. */
static void leave_it_to_the_table(FIXTURE_DATA(fixed_file) *self)
{
	kvm_vm_release(self->job.vm);
	submit(self);
	TEST_ASSERT_EQ(count_vms(getpid()), 1);
}

static void expect_no_vm(FIXTURE_DATA(fixed_file) *self)
{
	uint64_t start = now_ms();

	TEST_ASSERT(wait_until(!count_vms(getpid())),
		    "The VM outlives its last reference");
	TEST_ASSERT(now_ms() - start < PROMPT_MS, "The VM took %lu ms to end",
		    now_ms() - start);
	TEST_ASSERT(wait_until(!count_threads(HELPER_COMM)), "Helper threads are left");
	TEST_ASSERT_EQ(self->job.mappings[1].size, 8 * SZ_1M - BLOCKED_OFFSET);
	TEST_ASSERT(wait_until(vm_page_tables_kib() <= self->job.page_tables_kib),
		    "The VM's page tables are left");
}

TEST_F_TIMEOUT(fixed_file, last_reference_is_the_command, 60)
{
	if (count_vms(getpid()) < 0)
		SKIP(return, "debugfs does not show VMs here");
	leave_it_to_the_table(self);
	take_out_of_the_table(self);
	ASSERT_EQ(1, count_vms(getpid()));
	cancel(self);
	expect_no_vm(self);
	io_uring_queue_exit(&self->ring);
}

TEST_F_TIMEOUT(fixed_file, last_reference_is_the_table, 60)
{
	if (count_vms(getpid()) < 0)
		SKIP(return, "debugfs does not show VMs here");
	leave_it_to_the_table(self);
	cancel(self);
	ASSERT_EQ(1, count_vms(getpid()));
	take_out_of_the_table(self);
	expect_no_vm(self);
	io_uring_queue_exit(&self->ring);
}

TEST_F_TIMEOUT(fixed_file, last_reference_is_the_ring, 60)
{
	if (count_vms(getpid()) < 0)
		SKIP(return, "debugfs does not show VMs here");
	leave_it_to_the_table(self);
	io_uring_queue_exit(&self->ring);
	expect_no_vm(self);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
