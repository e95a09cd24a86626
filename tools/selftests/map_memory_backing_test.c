// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx
// testvm: --memory 4G --hugepages-1g 1
// vmx:
/*
 * Jobs on every kind of host memory: small pages, transparent huge pages,
 * hugetlb of 2 MiB and 1 GiB, private and shared.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/hugetlb_pool.h"
#include "lib/map_job.h"

#define WORKERS		2
/* A whole GiB below 4 GiB would meet KVM's own slots. */
#define BACKED_GPA	(TEST_GPA + 2ULL * SZ_1G)

FIXTURE(backing) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	uint64_t huge_kib;
	uint64_t pool_old;
};

FIXTURE_VARIANT(backing) {
	enum map_entry entry;
	enum vm_mem_backing_src_type src;
	uint64_t size;
	uint64_t huge;		/* bytes of a page, where not 4 KiB */
	bool hugetlb;
};

#define BACKING_VARIANT(name, ...)					\
FIXTURE_VARIANT_ADD(backing, name##_ioctl) {				\
	.entry = MAP_BY_IOCTL, __VA_ARGS__ };				\
FIXTURE_VARIANT_ADD(backing, name##_uring) {				\
	.entry = MAP_BY_URING, __VA_ARGS__ }

BACKING_VARIANT(anonymous, .src = VM_MEM_SRC_ANONYMOUS, .size = 16 * SZ_1M);
BACKING_VARIANT(thp, .src = VM_MEM_SRC_ANONYMOUS_THP, .size = 16 * SZ_1M,
		.huge = SZ_2M);
BACKING_VARIANT(memfd, .src = VM_MEM_SRC_SHMEM, .size = 16 * SZ_1M);
BACKING_VARIANT(hugetlb_2m, .src = VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB,
		.size = 16 * SZ_1M, .huge = SZ_2M, .hugetlb = true);
BACKING_VARIANT(hugetlb_2m_memfd, .src = VM_MEM_SRC_SHARED_HUGETLB,
		.size = 16 * SZ_1M, .huge = SZ_2M, .hugetlb = true);
BACKING_VARIANT(hugetlb_1g, .src = VM_MEM_SRC_ANONYMOUS_HUGETLB_1GB,
		.size = SZ_1G, .huge = SZ_1G, .hugetlb = true);

FIXTURE_SETUP(backing)
{
	if (variant->hugetlb) {
		uint64_t kib = variant->huge / 1024;

		if (!hugetlb_pool_grow(kib, variant->size / variant->huge,
				       &self->pool_old))
			SKIP(return, "No free hugetlb pages of %lu KiB", kib);
		self->huge_kib = kib;
	}
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, BACKED_GPA,
				  variant->size, variant->src);
}

FIXTURE_TEARDOWN(backing)
{
	kvm_vm_free(self->vm);
	if (self->huge_kib)
		hugetlb_pool_restore(self->huge_kib, self->pool_old);
}

TEST_F(backing, map_all)
{
	struct kvm_map_memory_batch batch;
	uint64_t huge = variant->huge;

	ASSERT_EQ(0, map_range(self->vm, variant->entry, BACKED_GPA,
			       variant->size, 0, WORKERS, &batch));
	assert_batch_done(&batch, variant->size, 0);

	if (variant->src == VM_MEM_SRC_ANONYMOUS_THP &&
	    thp_bytes(self->hva, variant->size) != variant->size)
		SKIP(return, "No transparent huge pages to be had");

	ASSERT_EQ(huge == SZ_2M ? variant->size / SZ_2M : 0,
		  vm_get_stat(self->vm, "pages_2m"));
	ASSERT_EQ(huge == SZ_1G ? variant->size / SZ_1G : 0,
		  vm_get_stat(self->vm, "pages_1g"));
	ASSERT_EQ(huge ? 0 : variant->size / PAGE_SIZE,
		  vm_get_stat(self->vm, "pages_4k"));
	ASSERT_EQ(0, guest_read_write(self->vcpu, BACKED_GPA, variant->size,
				      self->hva));
}

/* A huge page is mapped whole; what was not asked for is not counted. */
TEST_F(backing, map_a_page_within)
{
	uint64_t offset = variant->size / 2 + 7 * PAGE_SIZE;
	uint64_t unit = variant->huge ?: PAGE_SIZE;
	struct kvm_map_memory_batch batch;

	ASSERT_EQ(0, map_range(self->vm, variant->entry, BACKED_GPA + offset,
			       PAGE_SIZE, 0, WORKERS, &batch));
	assert_batch_done(&batch, PAGE_SIZE, 0);
	if (variant->src == VM_MEM_SRC_ANONYMOUS_THP &&
	    !thp_bytes(self->hva, variant->size))
		SKIP(return, "No transparent huge pages to be had");

	offset -= offset % unit;
	ASSERT_EQ(0, guest_read_write(self->vcpu, BACKED_GPA + offset, unit,
				      self->hva + offset));
	ASSERT_EQ(0, map_range(self->vm, variant->entry, BACKED_GPA + offset,
			       unit, 0, WORKERS, &batch));
	assert_batch_done(&batch, 0, unit);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
