// SPDX-License-Identifier: GPL-2.0
// quick: svm 7.3
/*
 * The io_uring command in every kind of ring and with every kind of
 * submission that changes who issues, who waits or what is copied.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(8 * SZ_1M)

FIXTURE(uring) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct io_uring ring;
	struct kvm_memory_mapping mappings[3];
	struct kvm_map_memory_batch batches[3];
	void *hva;
};

FIXTURE_VARIANT(uring) {
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(uring, 1_worker) { .workers = 1 };
FIXTURE_VARIANT_ADD(uring, 4_workers) { .workers = 4 };

FIXTURE_SETUP(uring)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(uring)
{
	kvm_vm_free(self->vm);
}

/* Batch @i maps @size bytes at @offset. */
static struct kvm_map_memory_batch *
batch_of(FIXTURE_DATA(uring) *self, uint32_t workers, int i, uint64_t offset,
	 uint64_t size)
{
	self->mappings[i] = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA + offset,
		.size = size,
	};
	map_batch_init(&self->batches[i], &self->mappings[i], 1, workers);
	return &self->batches[i];
}

static void assert_all_mapped(FIXTURE_DATA(uring) *self)
{
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE,
					self->hva), 0);
}

/* The whole memory, in a ring opened with @flags. */
static void map_in_ring(FIXTURE_DATA(uring) *self, uint32_t workers,
			unsigned int flags)
{
	uint64_t user_data;

	map_ring_open(&self->ring, 4, flags);
	map_ring_prep(&self->ring, self->vm->fd,
		      batch_of(self, workers, 0, 0, TEST_SIZE), 42);
	map_ring_submit(&self->ring, 1);
	TEST_ASSERT_EQ(map_ring_wait(&self->ring, &user_data), 0);
	TEST_ASSERT_EQ(user_data, 42);
	map_ring_assert_empty(&self->ring);
	assert_batch_done(&self->batches[0], TEST_SIZE, 0);
	assert_all_mapped(self);
	io_uring_queue_exit(&self->ring);
}

TEST_F(uring, plain)
{
	map_in_ring(self, variant->workers, 0);
}

TEST_F(uring, sqpoll)
{
	map_in_ring(self, variant->workers, IORING_SETUP_SQPOLL);
}

TEST_F(uring, cooperative_task_run)
{
	map_in_ring(self, variant->workers, IORING_SETUP_COOP_TASKRUN);
}

TEST_F(uring, deferred_task_run)
{
	map_in_ring(self, variant->workers,
		    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

TEST_F(uring, large_sqes)
{
	map_in_ring(self, variant->workers, IORING_SETUP_SQE128);
}

TEST_F(uring, large_cqes)
{
	map_in_ring(self, variant->workers, IORING_SETUP_CQE32);
}

TEST_F(uring, large_sqes_and_cqes)
{
	map_in_ring(self, variant->workers,
		    IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
}

/*
 * io_uring itself refuses commands that cannot be polled for.  That of Linux 7.3 takes
 * them, and their CQEs come only to a thread that polls.
 */
TEST_F(uring, iopoll)
{
	const uint64_t pages = vm_get_stat(self->vm, "pages_4k");
	struct kvm_map_memory_batch before;
	struct io_uring_cqe *cqe;

	map_ring_open(&self->ring, 4, IORING_SETUP_IOPOLL);
	map_ring_prep(&self->ring, self->vm->fd,
		      batch_of(self, variant->workers, 0, 0, TEST_SIZE), 0);
	before = self->batches[0];
	map_ring_submit(&self->ring, 1);
	if (kernel_version() >= KERNEL_VERSION(7, 3, 0)) {
		ASSERT_TRUE(wait_until(!io_uring_peek_cqe(&self->ring, &cqe)));
		ASSERT_EQ(0, map_ring_wait(&self->ring, NULL));
		assert_batch_done(&self->batches[0], TEST_SIZE, 0);
		io_uring_queue_exit(&self->ring);
		return;
	}
	ASSERT_EQ(-EOPNOTSUPP, map_ring_wait(&self->ring, NULL));
	ASSERT_EQ(0, memcmp(&before, &self->batches[0], sizeof(before)));
	ASSERT_EQ(TEST_SIZE, self->mappings[0].size);
	ASSERT_EQ(pages, vm_get_stat(self->vm, "pages_4k"));
	io_uring_queue_exit(&self->ring);
}

TEST_F(uring, fixed_file)
{
	struct io_uring_sqe *sqe;

	map_ring_open(&self->ring, 4, 0);
	ASSERT_EQ(0, io_uring_register_files(&self->ring, &self->vm->fd, 1));
	sqe = map_ring_prep(&self->ring, 0,
			    batch_of(self, variant->workers, 0, 0, TEST_SIZE), 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	map_ring_submit(&self->ring, 1);
	ASSERT_EQ(0, map_ring_wait(&self->ring, NULL));
	assert_batch_done(&self->batches[0], TEST_SIZE, 0);
	assert_all_mapped(self);
	io_uring_queue_exit(&self->ring);
}

TEST_F(uring, fixed_file_with_sqpoll)
{
	struct io_uring_sqe *sqe;

	map_ring_open(&self->ring, 4, IORING_SETUP_SQPOLL);
	ASSERT_EQ(0, io_uring_register_files(&self->ring, &self->vm->fd, 1));
	sqe = map_ring_prep(&self->ring, 0,
			    batch_of(self, variant->workers, 0, 0, TEST_SIZE), 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	map_ring_submit(&self->ring, 1);
	ASSERT_EQ(0, map_ring_wait(&self->ring, NULL));
	assert_batch_done(&self->batches[0], TEST_SIZE, 0);
	assert_all_mapped(self);
	io_uring_queue_exit(&self->ring);
}

TEST_F(uring, forced_async)
{
	struct io_uring_sqe *sqe;

	map_ring_open(&self->ring, 4, 0);
	sqe = map_ring_prep(&self->ring, self->vm->fd,
			    batch_of(self, variant->workers, 0, 0, TEST_SIZE), 0);
	sqe->flags |= IOSQE_ASYNC;
	map_ring_submit(&self->ring, 1);
	ASSERT_EQ(0, map_ring_wait(&self->ring, NULL));
	assert_batch_done(&self->batches[0], TEST_SIZE, 0);
	assert_all_mapped(self);
	io_uring_queue_exit(&self->ring);
}

/* The SQE and the submitter's stack may be reused once submit returned. */
TEST_F(uring, reused_sqe)
{
	struct io_uring_sqe *sqe;

	map_ring_open(&self->ring, 1, 0);
	sqe = map_ring_prep(&self->ring, self->vm->fd,
			    batch_of(self, variant->workers, 0, 0, TEST_SIZE), 0);
	map_ring_submit(&self->ring, 1);
	memset(sqe, 0xff, sizeof(*sqe));
	ASSERT_EQ(0, map_ring_wait(&self->ring, NULL));
	assert_batch_done(&self->batches[0], TEST_SIZE, 0);
	assert_all_mapped(self);
	io_uring_queue_exit(&self->ring);
}

/* Each link waits for the one before it. */
TEST_F(uring, linked)
{
	uint64_t half = TEST_SIZE / 2;
	struct io_uring_sqe *sqe;
	int results[3];

	map_ring_open(&self->ring, 4, 0);
	sqe = map_ring_prep(&self->ring, self->vm->fd,
			    batch_of(self, variant->workers, 0, 0, half), 0);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = map_ring_prep(&self->ring, self->vm->fd,
			    batch_of(self, variant->workers, 1, 0, TEST_SIZE), 1);
	sqe->flags |= IOSQE_IO_LINK;
	map_ring_prep(&self->ring, self->vm->fd,
		      batch_of(self, variant->workers, 2, half, half), 2);
	map_ring_submit(&self->ring, 3);
	map_ring_wait_all(&self->ring, results, 3);
	ASSERT_EQ(0, results[0] | results[1] | results[2]);
	assert_batch_done(&self->batches[0], half, 0);
	assert_batch_done(&self->batches[1], half, half);
	assert_batch_done(&self->batches[2], 0, half);
	assert_all_mapped(self);
	io_uring_queue_exit(&self->ring);
}

/* A link that fails cancels those behind it, and they change nothing. */
TEST_F(uring, failing_link)
{
	struct kvm_map_memory_batch untouched;
	struct io_uring_sqe *sqe;
	int results[3];

	map_ring_open(&self->ring, 4, 0);
	sqe = map_ring_prep(&self->ring, self->vm->fd,
			    batch_of(self, variant->workers, 0,
				     TEST_SIZE - PAGE_SIZE, 2 * PAGE_SIZE), 0);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = map_ring_prep(&self->ring, self->vm->fd,
			    batch_of(self, variant->workers, 1, 0, PAGE_SIZE), 1);
	sqe->flags |= IOSQE_IO_LINK;
	map_ring_prep(&self->ring, self->vm->fd,
		      batch_of(self, variant->workers, 2, 0, TEST_SIZE), 2);
	untouched = self->batches[2];
	map_ring_submit(&self->ring, 3);
	map_ring_wait_all(&self->ring, results, 3);

	ASSERT_EQ(-ENOENT, results[0]);
	ASSERT_EQ(PAGE_SIZE, self->mappings[0].size);
	ASSERT_EQ(-ECANCELED, results[1]);
	ASSERT_EQ(-ECANCELED, results[2]);
	ASSERT_EQ(0, memcmp(&untouched, &self->batches[2], sizeof(untouched)));
	ASSERT_EQ(TEST_SIZE, self->mappings[2].size);
	ASSERT_EQ(1, vm_get_stat(self->vm, "pages_4k"));
	io_uring_queue_exit(&self->ring);
}

static void *wait_in_thread(void *data)
{
	return (void *)(long)map_ring_wait(data, NULL);
}

TEST_F(uring, waited_for_by_another_thread)
{
	pthread_t waiter;
	void *result;

	map_ring_open(&self->ring, 4, 0);
	ASSERT_EQ(0, pthread_create(&waiter, NULL, wait_in_thread, &self->ring));
	map_ring_prep(&self->ring, self->vm->fd,
		      batch_of(self, variant->workers, 0, 0, TEST_SIZE), 0);
	map_ring_submit(&self->ring, 1);
	ASSERT_EQ(0, pthread_join(waiter, &result));
	ASSERT_EQ(NULL, result);
	assert_batch_done(&self->batches[0], TEST_SIZE, 0);
	assert_all_mapped(self);
	io_uring_queue_exit(&self->ring);
}

static void *submit_in_thread(void *data)
{
	FIXTURE_DATA(uring) *self = data;

	map_ring_submit(&self->ring, 1);
	TEST_ASSERT_EQ(map_ring_wait(&self->ring, NULL), 0);
	return NULL;
}

/* Neither is the thread that made the VM. */
TEST_F(uring, submitted_by_another_thread)
{
	pthread_t submitter;

	map_ring_open(&self->ring, 4, 0);
	map_ring_prep(&self->ring, self->vm->fd,
		      batch_of(self, variant->workers, 0, 0, TEST_SIZE), 0);
	ASSERT_EQ(0, pthread_create(&submitter, NULL, submit_in_thread, self));
	ASSERT_EQ(0, pthread_join(submitter, NULL));
	assert_batch_done(&self->batches[0], TEST_SIZE, 0);
	assert_all_mapped(self);
	io_uring_queue_exit(&self->ring);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
