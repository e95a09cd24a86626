// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx
/*
 * Ranges are mapped as a write would map them, where a write is possible, and
 * as a read would on request: what becomes of untouched, of shared and of
 * read-only host memory.
 */
#include "kvm_test_harness.h"

#include "lib/gup_hold.h"
#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(4 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
#define WORKERS		2

FIXTURE(intent) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_map_memory_batch batch;
	void *hva;
	/* For tests with a file behind the memory. */
	int memfd;
	void *file;
};

FIXTURE_VARIANT(intent) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(intent, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(intent, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(intent)
{
	self->vm = test_vm_create(1, &self->vcpu);
}

FIXTURE_TEARDOWN(intent)
{
	kvm_vm_free(self->vm);
}

static void expect_mapped(FIXTURE_DATA(intent) *self, enum map_entry entry,
			  uint64_t flags, uint64_t mapped, uint64_t present)
{
	TEST_ASSERT_EQ(map_range(self->vm, entry, TEST_GPA, TEST_SIZE, flags,
				 WORKERS, &self->batch), 0);
	assert_batch_done(&self->batch, mapped, present);
}

static void add_anonymous_slot(FIXTURE_DATA(intent) *self, uint32_t flags)
{
	self->hva = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, flags, TEST_GPA, TEST_SIZE, self->hva);
}

/* Page i of the file starts with the word i + 1; the slot maps it. */
static void add_file_slot(FIXTURE_DATA(intent) *self, uint32_t slot_flags,
			  int prot, int map_flags)
{
	uint64_t i;

	self->memfd = memfd_create("guest", MFD_ALLOW_SEALING);
	TEST_ASSERT(self->memfd >= 0 && !ftruncate(self->memfd, TEST_SIZE),
		    "Cannot make a memfd");
	self->file = mmap(NULL, TEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  self->memfd, 0);
	self->hva = mmap(NULL, TEST_SIZE, prot, map_flags, self->memfd, 0);
	TEST_ASSERT(self->file != MAP_FAILED && self->hva != MAP_FAILED,
		    "Cannot map the memfd");
	for (i = 0; i < TEST_PAGES; i++)
		*(uint64_t *)(self->file + i * PAGE_SIZE) = i + 1;
	test_slot_set(self->vm, TEST_SLOT, slot_flags, TEST_GPA, TEST_SIZE,
		      self->hva);
}

static void assert_guest_reads_file(FIXTURE_DATA(intent) *self)
{
	TEST_ASSERT_EQ(guest_verify(self->vcpu, TEST_GPA, TEST_SIZE, 1), 0);
}

static void assert_file_unchanged(FIXTURE_DATA(intent) *self)
{
	uint64_t i;

	for (i = 0; i < TEST_PAGES; i++)
		TEST_ASSERT_EQ(*(uint64_t *)(self->file + i * PAGE_SIZE), i + 1);
}

/* Pages of the slot that are the file's own. */
static uint64_t count_shared_pages(FIXTURE_DATA(intent) *self)
{
	uint64_t offset, shared = 0;

	for (offset = 0; offset < TEST_SIZE; offset += PAGE_SIZE)
		shared += page_pfn(self->hva + offset) &&
			  page_pfn(self->hva + offset) ==
			  page_pfn(self->file + offset);
	return shared;
}

static bool is_zero_page(FIXTURE_DATA(intent) *self, uint64_t page)
{
	/* Two pages of private memory with one frame can be nothing else. */
	return page_pfn(self->hva + page * PAGE_SIZE) ==
	       page_pfn(self->hva + (page ? 0 : 1) * PAGE_SIZE);
}

TEST_F(intent, untouched_memory_is_allocated_and_writable)
{
	uint64_t i;

	add_anonymous_slot(self, 0);
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	for (i = 0; i < TEST_PAGES; i++) {
		ASSERT_TRUE(page_is_present(self->hva + i * PAGE_SIZE));
		ASSERT_FALSE(is_zero_page(self, i));
	}
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(intent, read_leaves_untouched_memory_unallocated)
{
	uint64_t i;

	add_anonymous_slot(self, 0);
	expect_mapped(self, variant->entry, KVM_MEMORY_MAPPING_READ, TEST_SIZE, 0);
	for (i = 0; i < TEST_PAGES; i++)
		ASSERT_TRUE(is_zero_page(self, i));
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	/* One fault to copy the page, and one to map the copy. */
	ASSERT_EQ(2 * TEST_PAGES, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

/* A zero page is not what write intent is content with. */
TEST_F(intent, zero_pages_are_replaced)
{
	add_anonymous_slot(self, 0);
	expect_mapped(self, variant->entry, KVM_MEMORY_MAPPING_READ, TEST_SIZE, 0);
	expect_mapped(self, variant->entry, KVM_MEMORY_MAPPING_READ, 0, TEST_SIZE);
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	ASSERT_FALSE(is_zero_page(self, 0));
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
	expect_mapped(self, variant->entry, 0, 0, TEST_SIZE);
	expect_mapped(self, variant->entry, KVM_MEMORY_MAPPING_READ, 0, TEST_SIZE);
}

/* The guest's own read faults leave the zero page, too. */
TEST_F(intent, zero_pages_of_read_faults_are_replaced)
{
	add_anonymous_slot(self, 0);
	ASSERT_EQ(TEST_PAGES / 2, guest_read(self->vcpu, TEST_GPA, TEST_SIZE / 2));
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(intent, flags_are_per_range)
{
	struct kvm_memory_mapping mappings[] = {
		{ TEST_GPA, TEST_SIZE / 2, KVM_MEMORY_MAPPING_READ },
		{ TEST_GPA + TEST_SIZE / 2, TEST_SIZE / 2, 0 },
	};

	add_anonymous_slot(self, 0);
	map_batch_init(&self->batch, mappings, 2, WORKERS);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(KVM_MEMORY_MAPPING_READ, mappings[0].flags);
	ASSERT_EQ(0, mappings[1].flags);
	ASSERT_TRUE(is_zero_page(self, 1));
	ASSERT_FALSE(is_zero_page(self, TEST_PAGES - 1));
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA + TEST_SIZE / 2, TEST_SIZE / 2));
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(intent, read_breaks_no_copy_on_write)
{
	add_file_slot(self, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	expect_mapped(self, variant->entry, KVM_MEMORY_MAPPING_READ, TEST_SIZE, 0);
	ASSERT_EQ(TEST_PAGES, count_shared_pages(self));
	assert_guest_reads_file(self);
	ASSERT_EQ(TEST_PAGES, count_shared_pages(self));
	assert_file_unchanged(self);
}

TEST_F(intent, write_intent_breaks_copy_on_write)
{
	add_file_slot(self, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	ASSERT_EQ(0, count_shared_pages(self));
	assert_guest_reads_file(self);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
	assert_file_unchanged(self);
}

/* Shared with a child: the child keeps the old pages, the guest gets new. */
TEST_F(intent, memory_shared_by_fork)
{
	uint64_t pfn;
	int fds[2];
	pid_t child;
	char word;

	add_anonymous_slot(self, 0);
	memset(self->hva, 1, TEST_SIZE);
	ASSERT_EQ(0, pipe(fds));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(fds[1]);
		_exit(read(fds[0], &word, 1));
	}
	pfn = page_pfn(self->hva);
	expect_mapped(self, variant->entry, KVM_MEMORY_MAPPING_READ, TEST_SIZE, 0);
	ASSERT_EQ(pfn, page_pfn(self->hva));
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	ASSERT_NE(pfn, page_pfn(self->hva));
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
	close(fds[1]);
	ASSERT_EQ(child, waitpid(child, NULL, 0));
}

TEST_F(intent, shared_file_memory_is_writable_at_once)
{
	add_file_slot(self, 0, PROT_READ | PROT_WRITE, MAP_SHARED);
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->file));
}

/* Nothing writes to a read-only slot, not even what could. */
TEST_F(intent, read_only_slot)
{
	add_anonymous_slot(self, KVM_MEM_READONLY);
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	ASSERT_TRUE(is_zero_page(self, 1));
	ASSERT_TRUE(is_zero_page(self, TEST_PAGES - 1));
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	expect_mapped(self, variant->entry, 0, 0, TEST_SIZE);
}

TEST_F(intent, read_only_slot_on_private_file_memory)
{
	add_file_slot(self, KVM_MEM_READONLY, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	ASSERT_EQ(TEST_PAGES, count_shared_pages(self));
	assert_guest_reads_file(self);
}

TEST_F(intent, read_only_slot_on_sealed_memory)
{
	add_file_slot(self, KVM_MEM_READONLY, PROT_READ, MAP_PRIVATE);
	ASSERT_EQ(0, munmap(self->file, TEST_SIZE));
	ASSERT_EQ(0, fcntl(self->memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	assert_guest_reads_file(self);
}

/* A writable slot on memory that is not: mapped as far as it can be. */
TEST_F(intent, writable_slot_on_read_only_memory)
{
	add_file_slot(self, 0, PROT_READ, MAP_SHARED);
	expect_mapped(self, variant->entry, 0, TEST_SIZE, 0);
	assert_guest_reads_file(self);
	assert_file_unchanged(self);
}

/* After a write was found not to be possible, and before it is asked why not. */
TEST_F(intent, made_writable_in_between)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = PAGE_SIZE,
	};
	struct map_thread thread;

	/* A GiB without page tables, where mprotect() has nothing to tell KVM. */
	self->hva = align_ptr_up(test_mem_alloc(2 * (uint64_t)SZ_1G), SZ_1G);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	ASSERT_EQ(0, mprotect(self->hva, TEST_SIZE, PROT_READ));
	if (!gup_hold_prepare(self->hva))
		SKIP(return, "No kprobes, or a single CPU");

	map_batch_init(&self->batch, &mapping, 1, 1);
	map_thread_start(&thread, self->vm, variant->entry, &self->batch);
	gup_hold_await();
	ASSERT_EQ(0, mprotect(self->hva, TEST_SIZE, PROT_READ | PROT_WRITE));
	gup_hold_end();
	ASSERT_EQ(0, map_thread_join(&thread));
	assert_batch_done(&self->batch, PAGE_SIZE, 0);
	gup_hold_unload();

	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, PAGE_SIZE));
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_READ);
	return test_harness_run(argc, argv);
}
