// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx 7.3
/*
 * A slot with dirty logging is mapped without being dirtied, by bitmap and by
 * ring, and what the guest writes afterwards is logged, neither more nor less.
 */
#include <asm/barrier.h>

#include "kvm_test_harness.h"

#include "lib/map_job.h"

#define TEST_SIZE	(4 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
#define BITMAP_WORDS	(TEST_PAGES / 64)
#define WORKERS		2
#define RING_ENTRIES	4096

FIXTURE(dirty) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_map_memory_batch batch;
	uint64_t bitmap[BITMAP_WORDS];
	void *hva;
};

FIXTURE_VARIANT(dirty) {
	enum map_entry entry;
	uint64_t flags;
};

FIXTURE_VARIANT_ADD(dirty, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(dirty, uring) { .entry = MAP_BY_URING };
FIXTURE_VARIANT_ADD(dirty, uring_read) {
	.entry = MAP_BY_URING, .flags = KVM_MEMORY_MAPPING_READ,
};

FIXTURE_SETUP(dirty)
{
	self->vm = test_vm_create(0, NULL);
	self->hva = test_mem_alloc(TEST_SIZE);
	/* Pages to be shared with nobody, so that a write needs no copy. */
	memset(self->hva, 1, TEST_SIZE);
}

FIXTURE_TEARDOWN(dirty)
{
	kvm_vm_free(self->vm);
}

static void set_logging(FIXTURE_DATA(dirty) *self, bool on)
{
	test_slot_set(self->vm, TEST_SLOT, on ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		      TEST_GPA, TEST_SIZE, self->hva);
}

static void expect_mapped(FIXTURE_DATA(dirty) *self,
			  const FIXTURE_VARIANT(dirty) *variant,
			  uint64_t mapped, uint64_t present)
{
	TEST_ASSERT_EQ(map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
				 variant->flags, WORKERS, &self->batch), 0);
	assert_batch_done(&self->batch, mapped, present);
}

/* Every @stride-th page, or none if it is 0.  Reading the log clears it. */
static void assert_logged(FIXTURE_DATA(dirty) *self, uint64_t stride)
{
	uint64_t page;

	kvm_vm_get_dirty_log(self->vm, TEST_SLOT, self->bitmap);
	for (page = 0; page < TEST_PAGES; page++) {
		bool logged = self->bitmap[page / 64] >> page % 64 & 1;

		TEST_ASSERT(logged == (stride && page % stride == 0),
			    "page %lu is %slogged as dirty", page,
			    logged ? "" : "not ");
	}
}

static uint64_t guest_write_every(FIXTURE_DATA(dirty) *self, uint64_t stride)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = (TEST_PAGES + stride - 1) / stride,
		.stride = stride,
		.ops = PASS_WRITE,
	};

	return guest_pass(self->vcpu, &pass);
}

TEST_F(dirty, bitmap)
{
	set_logging(self, true);
	expect_mapped(self, variant, TEST_SIZE, 0);
	assert_logged(self, 0);

	self->vcpu = test_vm_add_vcpu(self->vm, 0);
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	assert_logged(self, 0);

	/* The first write to a clean page is what has to be noticed. */
	ASSERT_EQ((TEST_PAGES + 6) / 7, guest_write_every(self, 7));
	assert_logged(self, 7);
	ASSERT_EQ((TEST_PAGES + 2) / 3, guest_write_every(self, 3));
	assert_logged(self, 3);
}

/* Clean pages and dirty ones are mapped already: nothing is made of them. */
TEST_F(dirty, map_again)
{
	set_logging(self, true);
	expect_mapped(self, variant, TEST_SIZE, 0);
	expect_mapped(self, variant, 0, TEST_SIZE);
	self->vcpu = test_vm_add_vcpu(self->vm, 0);
	guest_write_every(self, 5);
	expect_mapped(self, variant, 0, TEST_SIZE);
	assert_logged(self, 5);
	expect_mapped(self, variant, 0, TEST_SIZE);
	assert_logged(self, 0);
	ASSERT_EQ((TEST_PAGES + 4) / 5, guest_write_every(self, 5));
	assert_logged(self, 5);
}

/* Mapped writable, then write-protected by logging, and to stay so. */
TEST_F(dirty, logging_enabled_after_mapping)
{
	set_logging(self, false);
	expect_mapped(self, variant, TEST_SIZE, 0);
	set_logging(self, true);
	TEST_ASSERT_EQ(map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
				 variant->flags, WORKERS, &self->batch), 0);
	assert_logged(self, 0);
	self->vcpu = test_vm_add_vcpu(self->vm, 0);
	ASSERT_EQ((TEST_PAGES + 10) / 11, guest_write_every(self, 11));
	assert_logged(self, 11);
}

TEST_F(dirty, logging_disabled_after_mapping)
{
	set_logging(self, true);
	expect_mapped(self, variant, TEST_SIZE, 0);
	set_logging(self, false);
	TEST_ASSERT_EQ(map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
				 0, WORKERS, &self->batch), 0);
	ASSERT_EQ(TEST_SIZE, self->batch.bytes_mapped + self->batch.bytes_present);
	self->vcpu = test_vm_add_vcpu(self->vm, 0);
	ASSERT_EQ(0, guest_write_every(self, 1));
}

TEST_F(dirty, vcpu_ioctl)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
		.flags = variant->flags,
	};

	set_logging(self, true);
	self->vcpu = test_vm_add_vcpu(self->vm, 0);
	ASSERT_EQ(0, vcpu_map_memory(self->vcpu, &mapping));
	assert_logged(self, 0);
	ASSERT_EQ((TEST_PAGES + 12) / 13, guest_write_every(self, 13));
	assert_logged(self, 13);
}

/* Entries of the ring for the test slot, each for a page of @stride. */
static uint64_t harvest_ring(FIXTURE_DATA(dirty) *self, uint64_t stride)
{
	struct kvm_dirty_gfn *ring = vcpu_map_dirty_ring(self->vcpu), *entry;
	uint64_t count = 0;

	for (;;) {
		entry = &ring[self->vcpu->fetch_index % RING_ENTRIES];
		/* Pairs with the kernel's release of a complete entry. */
		if (smp_load_acquire(&entry->flags) != KVM_DIRTY_GFN_F_DIRTY)
			break;
		TEST_ASSERT_EQ(entry->slot, TEST_SLOT);
		TEST_ASSERT(entry->offset < TEST_PAGES && entry->offset % stride == 0,
			    "page %llu was logged", entry->offset);
		/* The entry was read: the kernel may have it back. */
		smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_RESET);
		self->vcpu->fetch_index++;
		count++;
	}
	TEST_ASSERT_EQ(kvm_vm_reset_dirty_ring(self->vm), count);
	return count;
}

TEST_F(dirty, ring)
{
	if (!kvm_has_cap(KVM_CAP_DIRTY_LOG_RING))
		SKIP(return, "This KVM has no dirty ring");

	vm_enable_dirty_ring(self->vm, RING_ENTRIES * sizeof(struct kvm_dirty_gfn));
	self->vcpu = test_vm_add_vcpu(self->vm, 0);
	set_logging(self, true);
	expect_mapped(self, variant, TEST_SIZE, 0);
	ASSERT_EQ(0, harvest_ring(self, 1));
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	ASSERT_EQ(0, harvest_ring(self, 1));
	ASSERT_EQ((TEST_PAGES + 6) / 7, guest_write_every(self, 7));
	ASSERT_EQ((TEST_PAGES + 6) / 7, harvest_ring(self, 7));
	expect_mapped(self, variant, 0, TEST_SIZE);
	ASSERT_EQ(0, harvest_ring(self, 1));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
