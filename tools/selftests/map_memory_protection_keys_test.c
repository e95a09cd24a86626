// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Memory with a protection key: a job may access what the thread that called may at
 * the call, whenever its helpers, or io_uring's threads, were made.
 */
#include <sys/mman.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(16 * SZ_1M)

FIXTURE(pkeys) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	struct io_uring ring;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	int pkey;
};

FIXTURE_VARIANT(pkeys) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(pkeys, ioctl_1_worker) { .entry = MAP_BY_IOCTL, .workers = 1 };
FIXTURE_VARIANT_ADD(pkeys, ioctl_4_workers) { .entry = MAP_BY_IOCTL, .workers = 4 };
FIXTURE_VARIANT_ADD(pkeys, uring_1_worker) { .entry = MAP_BY_URING, .workers = 1 };
FIXTURE_VARIANT_ADD(pkeys, uring_4_workers) { .entry = MAP_BY_URING, .workers = 4 };

static int submit(FIXTURE_DATA(pkeys) *self, enum map_entry entry, uint32_t workers)
{
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, workers);
	self->batch.flags = KVM_MAP_MEMORY_KEEP_HELPERS;
	if (entry == MAP_BY_IOCTL)
		return map_batch(self->vm, entry, &self->batch);

	/* One ring for all, so that its threads stay as well. */
	map_ring_prep(&self->ring, self->vm->fd, &self->batch, 0);
	map_ring_submit(&self->ring, 1);
	return map_ring_wait(&self->ring, NULL);
}

FIXTURE_SETUP(pkeys)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	map_ring_open(&self->ring, 4, 0);

	/* All threads are there before the key is. */
	TEST_ASSERT_EQ(submit(self, variant->entry, variant->workers), 0);
	self->pkey = pkey_alloc(0, 0);
	if (self->pkey < 0)
		SKIP(return, "There are no protection keys");
	TEST_ASSERT(!pkey_mprotect(self->hva, TEST_SIZE, PROT_READ | PROT_WRITE,
				   self->pkey), "pkey_mprotect failed");
	TEST_ASSERT(!madvise(self->hva, TEST_SIZE, MADV_DONTNEED), "madvise failed");
}

FIXTURE_TEARDOWN(pkeys)
{
	io_uring_queue_exit(&self->ring);
	kvm_vm_free(self->vm);
	if (self->pkey > 0)
		pkey_free(self->pkey);
}

TEST_F(pkeys, allowed)
{
	ASSERT_EQ(0, submit(self, variant->entry, variant->workers));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

TEST_F(pkeys, denied)
{
	ASSERT_EQ(0, pkey_set(self->pkey, PKEY_DISABLE_ACCESS));
	ASSERT_EQ(-EFAULT, submit(self, variant->entry, variant->workers));
	ASSERT_EQ(0, self->batch.bytes_mapped);
	/* The rights of no thread have changed by that. */
	ASSERT_EQ(PKEY_DISABLE_ACCESS, pkey_get(self->pkey));

	ASSERT_EQ(0, pkey_set(self->pkey, 0));
	ASSERT_EQ(0, submit(self, variant->entry, variant->workers));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
