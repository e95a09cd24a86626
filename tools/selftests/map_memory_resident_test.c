// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx 7.3
/*
 * KVM_MEMORY_MAPPING_RESIDENT maps the pages that the VMM's page tables have, skips
 * the rest, and neither allocates nor waits.
 */
#include <signal.h>
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/hugetlb_pool.h"
#include "lib/map_job.h"
#include "lib/swap.h"
#include "lib/uffd_gate.h"

#define NR_PAGES	1536
#define TEST_SIZE	(NR_PAGES * PAGE_SIZE)

FIXTURE(resident) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_VARIANT(resident) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(resident, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(resident, uring_3_workers) {
	.entry = MAP_BY_URING, .workers = 3,
};

FIXTURE_SETUP(resident)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
}

FIXTURE_TEARDOWN(resident)
{
	kvm_vm_free(self->vm);
}

static void *page(FIXTURE_DATA(resident) *self, uint64_t i)
{
	return self->hva + i * PAGE_SIZE;
}

static void touch(FIXTURE_DATA(resident) *self, uint64_t first, uint64_t nr,
		  uint64_t stride)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		*(uint64_t *)page(self, first + i * stride) = 0x70000 + i;
}

static uint64_t count_present(FIXTURE_DATA(resident) *self)
{
	uint64_t i, nr = 0;

	for (i = 0; i < NR_PAGES; i++)
		nr += page_is_present(page(self, i));
	return nr;
}

/* In pages. */
static void expect(FIXTURE_DATA(resident) *self,
		   const FIXTURE_VARIANT(resident) *variant, uint64_t flags,
		   uint64_t mapped, uint64_t present, uint64_t skipped)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
				 flags, variant->workers, &batch), 0);
	assert_batch_pages(&batch, mapped, present, skipped);
}

TEST_F(resident, nothing_is_there)
{
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, 0, NR_PAGES);
	ASSERT_EQ(0, count_present(self));
	ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));
}

TEST_F(resident, all_is_there)
{
	touch(self, 0, NR_PAGES, 1);
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, NR_PAGES, 0, 0);
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, NR_PAGES, 0);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(resident, every_third_page)
{
	touch(self, 1, NR_PAGES / 3, 3);
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, NR_PAGES / 3, 0,
	       NR_PAGES - NR_PAGES / 3);
	ASSERT_EQ(NR_PAGES / 3, count_present(self));
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, NR_PAGES / 3,
	       NR_PAGES - NR_PAGES / 3);
	expect(self, variant, 0, NR_PAGES - NR_PAGES / 3, NR_PAGES / 3, 0);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(resident, single_page_ranges)
{
	struct kvm_memory_mapping mappings[256];
	struct kvm_map_memory_batch batch;
	int i;

	/* Of the even pages every second is there. */
	touch(self, 0, 128, 4);
	for (i = 0; i < 256; i++)
		mappings[i] = (struct kvm_memory_mapping) {
			.base_address = TEST_GPA + i * 2 * PAGE_SIZE,
			.size = PAGE_SIZE,
			.flags = KVM_MEMORY_MAPPING_RESIDENT,
		};
	map_batch_init(&batch, mappings, 256, variant->workers);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &batch));
	ASSERT_EQ(128 * PAGE_SIZE, batch.bytes_mapped);
	ASSERT_EQ(128 * PAGE_SIZE, batch.bytes_skipped);
	ASSERT_EQ(128, count_present(self));
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, PAGE_SIZE));
}

/* Nobody comes to the gate, so nobody can have waited there. */
TEST_F(resident, userfaultfd)
{
	struct uffd_gate gate;

	touch(self, 0, NR_PAGES / 2, 2);
	if (!uffd_gate_close_off(&gate, self->hva, TEST_SIZE))
		SKIP(return, "No userfaultfd");
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, NR_PAGES / 2, 0,
	       NR_PAGES / 2);
	expect(self, variant, KVM_MEMORY_MAPPING_FLAGS_ALL, 0, NR_PAGES / 2,
	       NR_PAGES / 2);
	ASSERT_FALSE(uffd_gate_knocked(&gate));
	uffd_gate_destroy(&gate);
}

TEST_F(resident, userfaultfd_and_vcpu)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
		.flags = KVM_MEMORY_MAPPING_RESIDENT,
	};
	struct uffd_gate gate;

	touch(self, 0, NR_PAGES / 2, 2);
	if (!uffd_gate_close_off(&gate, self->hva, TEST_SIZE))
		SKIP(return, "No userfaultfd");
	ASSERT_EQ(0, vcpu_map_memory(self->vcpu, &mapping));
	ASSERT_EQ(0, mapping.size);
	ASSERT_EQ(TEST_GPA + TEST_SIZE, mapping.base_address);
	ASSERT_EQ(NR_PAGES / 2, vm_get_stat(self->vm, "pages_4k"));
	ASSERT_FALSE(uffd_gate_knocked(&gate));
	uffd_gate_destroy(&gate);
}

TEST_F(resident, swapped_out)
{
	uint64_t nr;

	if (!swap_on())
		SKIP(return, "No swap to be had");
	touch(self, 0, NR_PAGES, 1);
	ASSERT_EQ(0, madvise(self->hva, TEST_SIZE / 2, MADV_PAGEOUT));
	nr = count_present(self);
	ASSERT_GT(NR_PAGES, nr);
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, nr, 0, NR_PAGES - nr);
	ASSERT_EQ(nr, count_present(self));
	swap_off();
}

/* To write to them they would have to be copied; to read them they are there. */
TEST_F(resident, copy_on_write)
{
	pid_t child;

	touch(self, 0, NR_PAGES, 1);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		for (;;)
			pause();

	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, 0, NR_PAGES);
	expect(self, variant, KVM_MEMORY_MAPPING_FLAGS_ALL, NR_PAGES, 0, 0);
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	/* A page mapped for reading only still has no copy to write to. */
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, 0, NR_PAGES);

	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, NULL, 0));
}

TEST_F(resident, memory_that_cannot_be_written)
{
	touch(self, 0, NR_PAGES, 1);
	ASSERT_EQ(0, mprotect(self->hva, TEST_SIZE, PROT_READ));
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, 0, NR_PAGES);
	expect(self, variant, KVM_MEMORY_MAPPING_FLAGS_ALL, NR_PAGES, 0, 0);
}

TEST_F(resident, memory_that_cannot_be_read)
{
	touch(self, 0, NR_PAGES, 1);
	ASSERT_EQ(0, mprotect(self->hva, TEST_SIZE, PROT_NONE));
	expect(self, variant, KVM_MEMORY_MAPPING_FLAGS_ALL, 0, 0, NR_PAGES);
}

TEST_F(resident, zero_page)
{
	uint64_t i;

	for (i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(0, READ_ONCE(*(uint64_t *)page(self, i)));
	expect(self, variant, KVM_MEMORY_MAPPING_FLAGS_ALL, 0, 0, NR_PAGES);
}

TEST_F(resident, huge_page_between_holes)
{
	ASSERT_EQ(0, madvise(page(self, 512), SZ_2M, MADV_HUGEPAGE));
	touch(self, 512, 1, 1);
	if (thp_bytes(self->hva, TEST_SIZE) != SZ_2M)
		SKIP(return, "No transparent huge pages to be had");
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 512, 0, NR_PAGES - 512);
	ASSERT_EQ(1, vm_get_stat(self->vm, "pages_2m"));
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, 512, NR_PAGES - 512);
}

TEST_F(resident, hugetlb)
{
	uint64_t pool_old;

	if (!hugetlb_pool_grow(SZ_2M / 1024, 3, &pool_old))
		SKIP(return, "No free hugetlb pages of 2048 KiB");
	ASSERT_EQ(self->hva, mmap(self->hva, TEST_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
				  MAP_HUGETLB, -1, 0));
	touch(self, 512, 1, 1);
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 512, 0, NR_PAGES - 512);
	ASSERT_EQ(1, vm_get_stat(self->vm, "pages_2m"));
	expect(self, variant, 0, NR_PAGES - 512, 512, 0);
	ASSERT_EQ(3, vm_get_stat(self->vm, "pages_2m"));
	ASSERT_EQ(0, munmap(self->hva, TEST_SIZE));
	hugetlb_pool_restore(SZ_2M / 1024, pool_old);
}

/* A page that is only in the page cache is not in the VMM's page tables. */
TEST_F(resident, shared_memory)
{
	int memfd = memfd_create("guest", 0);
	uint64_t i;

	ASSERT_EQ(0, ftruncate(memfd, TEST_SIZE));
	for (i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(8, pwrite(memfd, &i, 8, i * PAGE_SIZE));
	ASSERT_EQ(self->hva, mmap(self->hva, TEST_SIZE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, memfd, 0));
	touch(self, 0, NR_PAGES / 2, 2);
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, count_present(self), 0,
	       NR_PAGES - count_present(self));
	close(memfd);
}

TEST_F(resident, no_memslot)
{
	struct kvm_map_memory_batch batch;

	touch(self, 0, NR_PAGES, 1);
	ASSERT_EQ(-ENOENT, map_range(self->vm, variant->entry, TEST_GPA,
				     TEST_SIZE + PAGE_SIZE,
				     KVM_MEMORY_MAPPING_RESIDENT,
				     variant->workers, &batch));
	ASSERT_EQ(TEST_SIZE, batch.bytes_mapped);
	ASSERT_EQ(0, batch.bytes_skipped);
}

TEST_HARNESS_MAIN
