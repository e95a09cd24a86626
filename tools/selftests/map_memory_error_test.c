// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Host memory that cannot be mapped: the errno, what is left of the range to
 * the page, and that other ranges are mapped all the same.
 */
#include <signal.h>

#include "kvm_test_harness.h"

#include "lib/map_job.h"

#define TEST_SIZE	(8 * SZ_1M)
/* The bad page; not aligned to anything but a page. */
#define BAD_OFFSET	(3 * SZ_1M + 5 * PAGE_SIZE)

FIXTURE(error) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_memory_mapping mappings[2];
	struct kvm_map_memory_batch batch;
	void *hva;
};

FIXTURE_VARIANT(error) {
	enum map_entry entry;
	uint32_t workers;
	uint64_t flags;
};

FIXTURE_VARIANT_ADD(error, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(error, ioctl_4_workers) {
	.entry = MAP_BY_IOCTL, .workers = 4,
};

FIXTURE_VARIANT_ADD(error, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(error, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

FIXTURE_VARIANT_ADD(error, uring_read) {
	.entry = MAP_BY_URING, .workers = 1, .flags = KVM_MEMORY_MAPPING_READ,
};

/* MADV_HWPOISON signals, as a machine check would: that one is no failure. */
static volatile sig_atomic_t sigbus_allowed;

static void on_sigbus(int signal)
{
	static const char text[] = "# SIGBUS was sent\n";

	if (sigbus_allowed)
		return;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) > 0)
		_exit(KSFT_FAIL);
	_exit(KSFT_FAIL);
}

FIXTURE_SETUP(error)
{
	struct sigaction action = { .sa_handler = on_sigbus };

	ASSERT_EQ(0, sigaction(SIGBUS, &action, NULL));
	self->vm = test_vm_create(1, &self->vcpu);
	map_ring_keep();
}

FIXTURE_TEARDOWN(error)
{
	kvm_vm_free(self->vm);
}

static void set_slot(FIXTURE_DATA(error) *self, void *hva)
{
	self->hva = hva;
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, hva);
}

/*
 * The first range has the bad page in it, the second the good ones behind, of
 * which a worker may have reached some by way of the first.
 */
static void expect_error(FIXTURE_DATA(error) *self,
			 const FIXTURE_VARIANT(error) *variant, int wanted,
			 uint64_t nr_bad)
{
	uint64_t good = BAD_OFFSET + nr_bad * PAGE_SIZE;
	uint64_t sum;

	self->mappings[0] = (struct kvm_memory_mapping) {
		TEST_GPA, TEST_SIZE, variant->flags };
	self->mappings[1] = (struct kvm_memory_mapping) {
		TEST_GPA + good, TEST_SIZE - good, variant->flags };
	map_batch_init(&self->batch, self->mappings, good < TEST_SIZE ? 2 : 1,
		       variant->workers);
	TEST_ASSERT_EQ(map_batch(self->vm, variant->entry, &self->batch), wanted);
	TEST_ASSERT_EQ(self->batch.first_undone, 0);
	TEST_ASSERT_EQ(self->mappings[0].base_address, TEST_GPA + BAD_OFFSET);
	TEST_ASSERT_EQ(self->mappings[0].size, TEST_SIZE - BAD_OFFSET);
	if (good < TEST_SIZE)
		TEST_ASSERT_EQ(self->mappings[1].size, 0);

	sum = TEST_SIZE - nr_bad * PAGE_SIZE;
	TEST_ASSERT_EQ(self->batch.bytes_mapped, sum);
	TEST_ASSERT_EQ(guest_read(self->vcpu, TEST_GPA, BAD_OFFSET), 0);
	if (good < TEST_SIZE)
		TEST_ASSERT_EQ(guest_read(self->vcpu, TEST_GPA + good,
					  TEST_SIZE - good), 0);
}

static void expect_vcpu_error(FIXTURE_DATA(error) *self,
			      const FIXTURE_VARIANT(error) *variant, int wanted)
{
	struct kvm_memory_mapping mapping = {
		TEST_GPA, TEST_SIZE, variant->flags };

	TEST_ASSERT_EQ(vcpu_map_memory(self->vcpu, &mapping), wanted);
	TEST_ASSERT_EQ(mapping.base_address, TEST_GPA + BAD_OFFSET);
	TEST_ASSERT_EQ(mapping.size, TEST_SIZE - BAD_OFFSET);
}

TEST_F(error, nothing_mapped_there)
{
	set_slot(self, test_mem_alloc(TEST_SIZE));
	ASSERT_EQ(0, munmap(self->hva + BAD_OFFSET, 2 * PAGE_SIZE));
	expect_error(self, variant, -EFAULT, 2);
	expect_vcpu_error(self, variant, -EFAULT);

	/* With memory there again the rest can be submitted as it is. */
	ASSERT_EQ(self->hva + BAD_OFFSET,
		  mmap(self->hva + BAD_OFFSET, 2 * PAGE_SIZE,
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	map_batch_init(&self->batch, self->mappings, 1, variant->workers);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, 2 * PAGE_SIZE,
			  TEST_SIZE - BAD_OFFSET - 2 * PAGE_SIZE);
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(error, not_accessible)
{
	set_slot(self, test_mem_alloc(TEST_SIZE));
	ASSERT_EQ(0, mprotect(self->hva + BAD_OFFSET, PAGE_SIZE, PROT_NONE));
	expect_error(self, variant, -EFAULT, 1);
	expect_vcpu_error(self, variant, -EFAULT);
}

/* Pages past the end of a file: a touch by the VMM would be a SIGBUS. */
TEST_F(error, file_truncated)
{
	int memfd = memfd_create("guest", 0);
	void *hva;

	ASSERT_EQ(0, ftruncate(memfd, TEST_SIZE));
	hva = mmap(NULL, TEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ASSERT_NE(MAP_FAILED, hva);
	ASSERT_EQ(0, ftruncate(memfd, BAD_OFFSET));
	set_slot(self, hva);
	expect_error(self, variant, -EFAULT, (TEST_SIZE - BAD_OFFSET) / PAGE_SIZE);
	expect_vcpu_error(self, variant, -EFAULT);
}

/* Reported, not signalled: the handler of SIGBUS fails the test. */
TEST_F(error, poisoned)
{
	int result;

	set_slot(self, test_mem_alloc(TEST_SIZE));
	memset(self->hva, 1, TEST_SIZE);
	sigbus_allowed = true;
	result = madvise(self->hva + BAD_OFFSET, PAGE_SIZE, MADV_HWPOISON);
	sigbus_allowed = false;
	if (result)
		SKIP(return, "Memory cannot be poisoned here: %s", strerror(errno));
	expect_error(self, variant, -EHWPOISON, 1);
	expect_vcpu_error(self, variant, -EHWPOISON);
}

/* The result is the error of the lowest range that failed, not of the first. */
TEST_F(error, two_errors)
{
	set_slot(self, test_mem_alloc(TEST_SIZE));
	ASSERT_EQ(0, munmap(self->hva + BAD_OFFSET, PAGE_SIZE));

	self->mappings[0] = (struct kvm_memory_mapping) {
		TEST_GPA, TEST_SIZE, variant->flags };
	self->mappings[1] = (struct kvm_memory_mapping) {
		TEST_GPA + TEST_SIZE, PAGE_SIZE, variant->flags };
	map_batch_init(&self->batch, self->mappings, 2, variant->workers);
	ASSERT_EQ(-EFAULT, map_batch(self->vm, variant->entry, &self->batch));
	ASSERT_EQ(0, self->batch.first_undone);
	ASSERT_EQ(PAGE_SIZE, self->mappings[1].size);

	/* The mappings in the other order, the first one as it was left. */
	self->mappings[0] = self->mappings[1];
	self->mappings[1].base_address = TEST_GPA;
	self->mappings[1].size = TEST_SIZE;
	map_batch_init(&self->batch, self->mappings, 2, variant->workers);
	ASSERT_EQ(-ENOENT, map_batch(self->vm, variant->entry, &self->batch));
	ASSERT_EQ(0, self->batch.first_undone);
	ASSERT_EQ(TEST_GPA + BAD_OFFSET, self->mappings[1].base_address);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
