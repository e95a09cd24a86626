// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * Memory becomes one of another kind between two steps of a job: what the job has seen
 * of it before must not count.  Here it is secretmem, which no guest may have.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(2 * SZ_2M)
/* Of the first leaf table the last page is missing. */
#define GATE_OFFSET	(SZ_2M - PAGE_SIZE)

FIXTURE(changed) {
	struct kvm_vm *vm;
	void *hva;
	int secret_fd;
	struct uffd_gate gate;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
};

FIXTURE_VARIANT(changed) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(changed, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(changed, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(changed)
{
	self->secret_fd = syscall(__NR_memfd_secret, 0);
	if (self->secret_fd < 0)
		SKIP(return, "No memfd_secret: %s", strerror(errno));
	ASSERT_EQ(0, ftruncate(self->secret_fd, SZ_2M));

	self->vm = test_vm_create(0, NULL);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	memset(self->hva, 1, GATE_OFFSET);
	memset(self->hva + SZ_2M, 1, SZ_2M);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, 1);
	/* All of it, so that it stays one VMA. */
	if (!uffd_gate_close_off(&self->gate, self->hva, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");
	map_thread_start(&self->thread, self->vm, variant->entry, &self->batch);
	ASSERT_EQ(self->hva + GATE_OFFSET, uffd_gate_wait(&self->gate));
}

FIXTURE_TEARDOWN(changed)
{
	if (self->vm)
		kvm_vm_free(self->vm);
	close(self->secret_fd);
}

/* The pages are there, as those were that had been seen before. */
static void make_second_table_secret(FIXTURE_DATA(changed) *self)
{
	void *second = self->hva + SZ_2M;

	TEST_ASSERT(mmap(second, SZ_2M, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 self->secret_fd, 0) == second, "Cannot map secretmem");
	memset(second, 1, SZ_2M);
}

/* @nr_pages of the first table are still mapped, and none of the second. */
static void expect_first_table_alone(FIXTURE_DATA(changed) *self, uint64_t nr_pages)
{
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT_EQ(map_thread_join(&self->thread), -EFAULT);
	TEST_ASSERT_EQ(self->mapping.base_address, TEST_GPA + SZ_2M);
	TEST_ASSERT_EQ(self->batch.bytes_mapped, SZ_2M);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), nr_pages);
}

/* The invalidation tells. */
TEST_F(changed, in_the_memslot)
{
	make_second_table_secret(self);
	expect_first_table_alone(self, SZ_2M / PAGE_SIZE);
}

/* No invalidation reaches KVM. */
TEST_F(changed, without_a_memslot)
{
	test_slot_delete(self->vm, TEST_SLOT);
	make_second_table_secret(self);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	/* The page that was waited for: the others went with the slot. */
	expect_first_table_alone(self, 1);
}

/* It stays memory of the same kind, and is looked at again. */
TEST_F(changed, but_not_the_kind)
{
	void *second = self->hva + SZ_2M;

	ASSERT_EQ(second, mmap(second, SZ_2M, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			       MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_thread_join(&self->thread));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
