// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Input that a batch refuses, by both entries: each errno, and after each
 * that neither the structures nor the page tables were changed.
 */
#include "kvm_test_harness.h"

#include "lib/map_job.h"

#define TEST_SIZE	(4 * SZ_1M)
#define NR_MAPPINGS	3

FIXTURE(input) {
	struct kvm_vm *vm;
	struct kvm_map_memory_batch batch;
	struct kvm_memory_mapping *mappings;
};

FIXTURE_VARIANT(input) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(input, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(input, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(input)
{
	int i;

	self->vm = test_vm_create(0, NULL);
	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	self->mappings = test_mem_alloc(PAGE_SIZE);
	for (i = 0; i < NR_MAPPINGS; i++) {
		self->mappings[i].base_address = TEST_GPA + i * SZ_1M;
		self->mappings[i].size = SZ_1M;
	}
	map_batch_init(&self->batch, self->mappings, NR_MAPPINGS, 2);
	/* Fields that the kernel writes must differ from those it leaves alone. */
	self->batch.bytes_mapped = self->batch.bytes_present =
		self->batch.bytes_skipped = 0x1122334455667788;
	self->batch.workers_used = self->batch.first_undone = 0x99aabbcc;
}

FIXTURE_TEARDOWN(input)
{
	kvm_vm_free(self->vm);
}

static void expect_refused(FIXTURE_DATA(input) *self, enum map_entry entry,
			   int wanted)
{
	struct kvm_memory_mapping mappings[NR_MAPPINGS];
	struct kvm_map_memory_batch batch = self->batch;

	memcpy(mappings, self->mappings, sizeof(mappings));
	TEST_ASSERT_EQ(map_batch(self->vm, entry, &self->batch), wanted);
	TEST_ASSERT(!memcmp(&batch, &self->batch, sizeof(batch)),
		    "The structure of a refused batch was written to");
	TEST_ASSERT(!memcmp(mappings, self->mappings, sizeof(mappings)),
		    "The mappings of a refused batch were written to");
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), 0);
}

/* The bad mapping is the last one: nothing may be done before all is read. */
static void expect_mapping_refused(FIXTURE_DATA(input) *self,
				   enum map_entry entry, uint64_t gpa,
				   uint64_t size, uint64_t flags, int wanted)
{
	self->mappings[NR_MAPPINGS - 1] = (struct kvm_memory_mapping) {
		.base_address = gpa,
		.size = size,
		.flags = flags,
	};
	expect_refused(self, entry, wanted);
}

TEST_F(input, accepted_as_it_is)
{
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, NR_MAPPINGS * SZ_1M, 0);
}

TEST_F(input, unaligned)
{
	expect_mapping_refused(self, variant->entry, TEST_GPA + 1, SZ_4K, 0, -EINVAL);
	expect_mapping_refused(self, variant->entry, TEST_GPA + 2048, SZ_4K, 0, -EINVAL);
	expect_mapping_refused(self, variant->entry, TEST_GPA, SZ_4K + 1, 0, -EINVAL);
	expect_mapping_refused(self, variant->entry, TEST_GPA, 2048, 0, -EINVAL);
}

/* Mappings that are done may be in a batch, but not nothing else. */
TEST_F(input, size_zero)
{
	unsigned int i;

	for (i = 0; i < NR_MAPPINGS; i++)
		self->mappings[i].size = 0;
	expect_refused(self, variant->entry, -EINVAL);
	expect_mapping_refused(self, variant->entry, TEST_GPA + 1, 0, 0, -EINVAL);

	self->mappings[NR_MAPPINGS - 1] = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA,
		.size = SZ_1M,
	};
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, SZ_1M, 0);
}

TEST_F(input, wrap_around)
{
	expect_mapping_refused(self, variant->entry, TEST_GPA, -TEST_GPA, 0, -EINVAL);
	expect_mapping_refused(self, variant->entry, -4096ULL, 4096, 0, -EINVAL);
	expect_mapping_refused(self, variant->entry, -4096ULL, 8192, 0, -EINVAL);
	expect_mapping_refused(self, variant->entry, 4096, -4096ULL, 0, -EINVAL);
}

TEST_F(input, beyond_the_physical_width)
{
	uint64_t end = 1ULL << self->vm->pa_bits;

	expect_mapping_refused(self, variant->entry, end, SZ_4K, 0, -EINVAL);
	expect_mapping_refused(self, variant->entry, end - SZ_4K, SZ_8K, 0, -EINVAL);
	expect_mapping_refused(self, variant->entry, 1ULL << 52, SZ_4K, 0, -EINVAL);
}

TEST_F(input, unknown_mapping_flags)
{
	int bit;

	for (bit = 0; bit < 64; bit++)
		if (!(KVM_MEMORY_MAPPING_FLAGS_ALL & (1ULL << bit)))
			expect_mapping_refused(self, variant->entry, TEST_GPA,
					       SZ_4K, 1ULL << bit, -EINVAL);
}

TEST_F(input, batch_flags)
{
	int bit;

	for (bit = 0; bit < 64; bit++) {
		self->batch.flags = 1ULL << bit;
		if (!(KVM_MAP_MEMORY_BATCH_FLAGS_ALL & self->batch.flags))
			expect_refused(self, variant->entry, -EINVAL);
	}

	/* Helpers that are kept, and none at all. */
	self->batch.flags = KVM_MAP_MEMORY_KEEP_HELPERS | KVM_MAP_MEMORY_OWN_THREADS;
	expect_refused(self, variant->entry, -EINVAL);
	/* The VMM's own threads have the policy that it gives them. */
	self->batch.flags = KVM_MAP_MEMORY_BACKGROUND | KVM_MAP_MEMORY_OWN_THREADS;
	expect_refused(self, variant->entry, -EINVAL);
}

TEST_F(input, reserved_words)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(self->batch.reserved); i++) {
		self->batch.reserved[i] = i % 2 ? 1 : 1ULL << 63;
		expect_refused(self, variant->entry, -EINVAL);
		self->batch.reserved[i] = 0;
	}
}

TEST_F(input, no_mappings)
{
	self->batch.nr_mappings = 0;
	expect_refused(self, variant->entry, -EINVAL);
}

TEST_F(input, too_many_mappings)
{
	self->batch.nr_mappings = KVM_MAP_MEMORY_MAX_MAPPINGS + 1;
	expect_refused(self, variant->entry, -E2BIG);
	self->batch.nr_mappings = -1;
	expect_refused(self, variant->entry, -E2BIG);
}

TEST_F(input, too_many_workers)
{
	self->batch.nr_workers = KVM_MAP_MEMORY_MAX_WORKERS + 1;
	expect_refused(self, variant->entry, -EINVAL);
	self->batch.nr_workers = -1;
	expect_refused(self, variant->entry, -EINVAL);
}

TEST_F(input, too_many_workers_before_too_many_mappings)
{
	self->batch.nr_workers = KVM_MAP_MEMORY_MAX_WORKERS + 1;
	self->batch.nr_mappings = KVM_MAP_MEMORY_MAX_MAPPINGS + 1;
	expect_refused(self, variant->entry, -EINVAL);
}

TEST_F(input, as_many_workers_as_there_may_be)
{
	self->batch.nr_workers = KVM_MAP_MEMORY_MAX_WORKERS;
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, NR_MAPPINGS * SZ_1M, 0);
}

TEST_F(input, bad_structure_pointer)
{
	void *page = test_mem_alloc(2 * PAGE_SIZE);

	map_ring_keep();
	ASSERT_EQ(0, munmap(page + PAGE_SIZE, PAGE_SIZE));
	ASSERT_EQ(-EFAULT, map_batch_at(self->vm->fd, variant->entry, 0));
	ASSERT_EQ(-EFAULT, map_batch_at(self->vm->fd, variant->entry, -4096ULL));
	ASSERT_EQ(-EFAULT, map_batch_at(self->vm->fd, variant->entry,
					(uint64_t)page + PAGE_SIZE));
	/* The first half is there, the second is not. */
	memcpy(page + PAGE_SIZE - 64, &self->batch, 64);
	ASSERT_EQ(-EFAULT, map_batch_at(self->vm->fd, variant->entry,
					(uint64_t)page + PAGE_SIZE - 64));
	ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));
}

TEST_F(input, bad_vector_pointer)
{
	void *page = test_mem_alloc(2 * PAGE_SIZE);

	map_ring_keep();
	ASSERT_EQ(0, munmap(page + PAGE_SIZE, PAGE_SIZE));
	self->batch.mappings = 0;
	expect_refused(self, variant->entry, -EFAULT);
	self->batch.mappings = -4096ULL;
	expect_refused(self, variant->entry, -EFAULT);
	self->batch.mappings = (uint64_t)page + PAGE_SIZE;
	expect_refused(self, variant->entry, -EFAULT);
	/* All but the last mapping is there. */
	self->batch.mappings = (uint64_t)page + PAGE_SIZE -
			       (NR_MAPPINGS - 1) * sizeof(*self->mappings);
	memcpy((void *)self->batch.mappings, self->mappings,
	       (NR_MAPPINGS - 1) * sizeof(*self->mappings));
	expect_refused(self, variant->entry, -EFAULT);
}

/* Nothing is done that cannot be reported. */
TEST_F(input, read_only_structure)
{
	struct kvm_map_memory_batch *batch = test_mem_alloc(PAGE_SIZE);

	*batch = self->batch;
	ASSERT_EQ(0, mprotect(batch, PAGE_SIZE, PROT_READ));
	ASSERT_EQ(-EFAULT, map_batch(self->vm, variant->entry, batch));
	ASSERT_EQ(0, memcmp(batch, &self->batch, sizeof(*batch)));
	ASSERT_EQ(SZ_1M, self->mappings[0].size);
	ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));
}

TEST_F(input, read_only_vector)
{
	ASSERT_EQ(0, mprotect(self->mappings, PAGE_SIZE, PROT_READ));
	expect_refused(self, variant->entry, -EFAULT);
}

/* The last mapping is in a page that cannot be written, the first is. */
TEST_F(input, vector_that_ends_in_read_only_memory)
{
	void *pages = test_mem_alloc(2 * PAGE_SIZE);
	struct kvm_memory_mapping *mappings = pages + PAGE_SIZE -
					      2 * sizeof(*mappings);

	memcpy(mappings, self->mappings, NR_MAPPINGS * sizeof(*mappings));
	ASSERT_EQ(0, mprotect(pages + PAGE_SIZE, PAGE_SIZE, PROT_READ));
	self->mappings = mappings;
	self->batch.mappings = (uint64_t)mappings;
	expect_refused(self, variant->entry, -EFAULT);
}

static int exit_status_of(pid_t child)
{
	int status;

	TEST_ASSERT(waitpid(child, &status, 0) == child && WIFEXITED(status),
		    "The other process did not exit by itself");
	return WEXITSTATUS(status);
}

/* A child has the descriptor, but not the memory that the VM is made of. */
TEST_F(input, vm_of_another_process)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		struct kvm_map_memory_batch before = self->batch;
		int ret = map_batch(self->vm, variant->entry, &self->batch);

		if (ret != -EIO)
			_exit(1);
		if (memcmp(&before, &self->batch, sizeof(before)) ||
		    self->mappings[0].size != SZ_1M)
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(0, exit_status_of(child));
	ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));

	/* For the process it belongs to the VM is as good as before. */
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
}

TEST_F(input, vm_without_slots)
{
	struct kvm_vm *bare = vm_create_barebones();

	ASSERT_EQ(-ENOENT, map_batch(bare, variant->entry, &self->batch));
	ASSERT_EQ(0, self->batch.first_undone);
	ASSERT_EQ(0, self->batch.bytes_mapped);
	ASSERT_EQ(0, self->batch.bytes_present);
	ASSERT_EQ(SZ_1M, self->mappings[0].size);
	ASSERT_EQ(SZ_1M, self->mappings[NR_MAPPINGS - 1].size);
	ASSERT_EQ(TEST_GPA, self->mappings[0].base_address);
	kvm_vm_free(bare);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
