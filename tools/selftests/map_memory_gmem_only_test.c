// SPDX-License-Identifier: GPL-2.0
// quick: 7.3
/*
 * A memslot whose memory is all of guest_memfd, shared with the VMM, of a VM without
 * private memory.
 */
#include <fcntl.h>
#include <linux/falloc.h>

#include "kvm_test_harness.h"

#include "lib/map_job.h"

/* Of Linux 7.3. */
#define CAP_GUEST_MEMFD_FLAGS	244
#define GMEM_SHARED		(1ULL << 0 | 1ULL << 1)	/* MMAP, INIT_SHARED */

#define NR_PAGES	1024
#define TEST_SIZE	(NR_PAGES * (uint64_t)PAGE_SIZE)
/* So that no page has the index in the file that it has in the slot. */
#define FILE_OFFSET	((uint64_t)SZ_2M)

#define HOST_WORD	1000

FIXTURE(gmem) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	int fd;
	void *hva;
};

FIXTURE_VARIANT(gmem) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(gmem, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(gmem, uring_3_workers) {
	.entry = MAP_BY_URING, .workers = 3,
};

FIXTURE_SETUP(gmem)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->fd = vm_create_guest_memfd(self->vm, FILE_OFFSET + TEST_SIZE, GMEM_SHARED);
	self->hva = mmap(NULL, TEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
			 FILE_OFFSET);
	TEST_ASSERT(self->hva != MAP_FAILED, "Cannot map guest_memfd");
	vm_set_user_memory_region2(self->vm, TEST_SLOT, KVM_MEM_GUEST_MEMFD, TEST_GPA,
				   TEST_SIZE, self->hva, self->fd, FILE_OFFSET);
}

FIXTURE_TEARDOWN(gmem)
{
	kvm_vm_free(self->vm);
	munmap(self->hva, TEST_SIZE);
	close(self->fd);
}

/* In pages. */
static void expect(FIXTURE_DATA(gmem) *self, const FIXTURE_VARIANT(gmem) *variant,
		   uint64_t flags, uint64_t mapped, uint64_t present, uint64_t skipped)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, flags,
				 variant->workers, &batch), 0);
	assert_batch_pages(&batch, mapped, present, skipped);
}

static void fill(FIXTURE_DATA(gmem) *self)
{
	uint64_t i;

	for (i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(self->hva + i * PAGE_SIZE) = HOST_WORD + i;
}

TEST_F(gmem, what_the_host_wrote)
{
	fill(self);
	expect(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_EQ(0, guest_verify(self->vcpu, TEST_GPA, TEST_SIZE, HOST_WORD));
	expect(self, variant, 0, 0, NR_PAGES, 0);
}

/* Reads and writes each page; the host looks at what came of it. */
TEST_F(gmem, untouched)
{
	expect(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

/* A read maps it as a write does: there is nobody to copy it for. */
TEST_F(gmem, read)
{
	expect(self, variant, KVM_MEMORY_MAPPING_READ, NR_PAGES, 0, 0);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

/* guest_memfd cannot tell what it has without allocating it. */
TEST_F(gmem, resident)
{
	fill(self);
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, 0, NR_PAGES);
	expect(self, variant, 0, NR_PAGES, 0, 0);
}

TEST_F(gmem, hole)
{
	fill(self);
	expect(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_EQ(0, fallocate(self->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			       FILE_OFFSET + 100 * PAGE_SIZE, 200 * PAGE_SIZE));
	expect(self, variant, 0, 200, NR_PAGES - 200, 0);
	ASSERT_EQ(0, guest_verify(self->vcpu, TEST_GPA, 100 * PAGE_SIZE, HOST_WORD));
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA + 100 * PAGE_SIZE,
				      200 * PAGE_SIZE, self->hva + 100 * PAGE_SIZE));
}

int main(int argc, char **argv)
{
	struct kvm_vm *vm;
	int flags;

	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_BATCH);
	map_require_batches();
	vm = vm_create_barebones();
	flags = __vm_ioctl(vm, KVM_CHECK_EXTENSION, (void *)CAP_GUEST_MEMFD_FLAGS);
	kvm_vm_free(vm);
	__TEST_REQUIRE((flags & GMEM_SHARED) == GMEM_SHARED,
		       "This KVM has no guest_memfd that is shared");
	return test_harness_run(argc, argv);
}
