// SPDX-License-Identifier: GPL-2.0
// quick: svm debug vmx 7.3
/*
 * Small batches of resident pages, which the thread maps that submits them: they are
 * done when io_uring_submit() returns.  All others, and those with errors, go to an io-wq
 * thread and have the same results.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/leftovers.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(4 * SZ_1M)
/* The limits of what the submitter maps. */
#define NOW_MAPPINGS	64
#define NOW_BYTES	SZ_2M
#define WORKER		"iou-wrk"

/* Structures that can be taken away, a page each. */
struct shared_page {
	union {
		struct kvm_map_memory_batch batch;
		struct kvm_memory_mapping mappings[NOW_MAPPINGS + 1];
		struct kvm_map_memory_progress progress;
		char page[PAGE_SIZE];
	};
};

FIXTURE(now) {
	uint64_t page_tables_kib;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct io_uring ring;
	struct kvm_map_memory_batch *batch;
	struct kvm_memory_mapping *mappings;
	struct kvm_map_memory_progress *progress;
	struct shared_page *pages;
	void *hva;
};

FIXTURE_SETUP(now)
{
	self->page_tables_kib = vm_page_tables_kib();
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	self->pages = test_mem_alloc(3 * sizeof(*self->pages));
	self->batch = &self->pages[0].batch;
	self->mappings = self->pages[1].mappings;
	self->progress = &self->pages[2].progress;
	map_ring_open(&self->ring, 4, 0);
}

FIXTURE_TEARDOWN(now)
{
	io_uring_queue_exit(&self->ring);
	free_and_assert_gone(self->vm, self->page_tables_kib);
}

/* @nr mappings of @size bytes, one after the other. */
static void init_batch(FIXTURE_DATA(now) *self, unsigned int nr, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		self->mappings[i] = (struct kvm_memory_mapping) {
			.base_address = TEST_GPA + i * size,
			.size = size,
			.flags = KVM_MEMORY_MAPPING_RESIDENT,
		};
	}
	map_batch_init(self->batch, self->mappings, nr, 1);
}

static struct io_uring_sqe *prepare(FIXTURE_DATA(now) *self)
{
	return map_ring_prep(&self->ring, self->vm->fd, self->batch, 0);
}

/* Asserts that the CQE is there, and that no io-wq thread ever was. */
static void submit_at_once(FIXTURE_DATA(now) *self)
{
	struct io_uring_cqe *cqe;

	prepare(self);
	map_ring_submit(&self->ring, 1);
	TEST_ASSERT_EQ(io_uring_peek_cqe(&self->ring, &cqe), 0);
	TEST_ASSERT_EQ(cqe->res, 0);
	io_uring_cqe_seen(&self->ring, cqe);
	TEST_ASSERT_EQ(count_threads(WORKER), 0);
}

/* The last io-wq thread of a process stays as long as the process does. */
static int submit_to_worker(FIXTURE_DATA(now) *self)
{
	int result;

	map_ring_submit(&self->ring, 1);
	result = map_ring_wait(&self->ring, NULL);
	TEST_ASSERT(count_threads(WORKER) > 0, "There is no io-wq thread");
	return result;
}

static void assert_results(const FIXTURE_DATA(now) *self, uint64_t mapped,
			   uint64_t present, uint64_t skipped)
{
	unsigned int i;

	TEST_ASSERT_EQ(self->batch->bytes_mapped, mapped);
	TEST_ASSERT_EQ(self->batch->bytes_present, present);
	TEST_ASSERT_EQ(self->batch->bytes_skipped, skipped);
	TEST_ASSERT_EQ(self->batch->workers_used, 1);
	TEST_ASSERT_EQ(self->batch->first_undone, self->batch->nr_mappings);
	for (i = 0; i < self->batch->nr_mappings; i++)
		TEST_ASSERT_EQ(self->mappings[i].size, 0);
}

TEST_F(now, one_page)
{
	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	submit_at_once(self);
	assert_results(self, PAGE_SIZE, 0, 0);
	ASSERT_EQ(TEST_GPA + PAGE_SIZE, self->mappings[0].base_address);
	ASSERT_EQ(KVM_MEMORY_MAPPING_RESIDENT, self->mappings[0].flags);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, PAGE_SIZE));
}

/* Every second page is there: it is mapped, then present, and the others never come. */
TEST_F(now, as_much_as_it_may_be)
{
	const uint64_t size = NOW_BYTES / NOW_MAPPINGS;
	uint64_t offset;

	for (offset = 0; offset < NOW_BYTES; offset += 2 * PAGE_SIZE)
		memset(self->hva + offset, 1, PAGE_SIZE);
	init_batch(self, NOW_MAPPINGS, size);
	submit_at_once(self);
	assert_results(self, NOW_BYTES / 2, 0, NOW_BYTES / 2);

	init_batch(self, NOW_MAPPINGS, size);
	submit_at_once(self);
	assert_results(self, 0, NOW_BYTES / 2, NOW_BYTES / 2);

	for (offset = 0; offset < NOW_BYTES; offset += PAGE_SIZE)
		ASSERT_EQ(offset / PAGE_SIZE % 2 == 0,
			  page_is_present(self->hva + offset));
}

TEST_F(now, kept_helpers_make_no_difference)
{
	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	self->batch->flags = KVM_MAP_MEMORY_KEEP_HELPERS;
	submit_at_once(self);
	assert_results(self, PAGE_SIZE, 0, 0);
}

/* The page tables that the kept context knows are gone with the memslot. */
TEST_F(now, after_the_memslot_was_deleted)
{
	memset(self->hva, 1, TEST_SIZE);
	init_batch(self, 1, NOW_BYTES);
	submit_at_once(self);
	assert_results(self, NOW_BYTES, 0, 0);

	test_slot_delete(self->vm, TEST_SLOT);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	init_batch(self, 1, NOW_BYTES);
	submit_at_once(self);
	assert_results(self, NOW_BYTES, 0, 0);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, NOW_BYTES));
}

TEST_F(now, after_the_kept_context_was_freed)
{
	memset(self->hva, 1, TEST_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	submit_at_once(self);
	ASSERT_EQ(0, ioctl(self->vm->fd, KVM_MAP_MEMORY_END_HELPERS));

	init_batch(self, 2, PAGE_SIZE);
	submit_at_once(self);
	assert_results(self, PAGE_SIZE, PAGE_SIZE, 0);
}

TEST_F(now, by_the_sqpoll_thread)
{
	io_uring_queue_exit(&self->ring);
	map_ring_open(&self->ring, 4, IORING_SETUP_SQPOLL);
	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	prepare(self);
	map_ring_submit(&self->ring, 1);
	ASSERT_EQ(0, map_ring_wait(&self->ring, NULL));
	assert_results(self, PAGE_SIZE, 0, 0);
	ASSERT_EQ(0, count_threads(WORKER));
}

TEST_F(now, too_many_mappings)
{
	memset(self->hva, 1, TEST_SIZE);
	init_batch(self, NOW_MAPPINGS + 1, PAGE_SIZE);
	prepare(self);
	ASSERT_EQ(0, submit_to_worker(self));
	assert_results(self, (NOW_MAPPINGS + 1) * PAGE_SIZE, 0, 0);
}

TEST_F(now, too_many_pages)
{
	memset(self->hva, 1, TEST_SIZE);
	init_batch(self, 2, NOW_BYTES / 2 + PAGE_SIZE);
	prepare(self);
	ASSERT_EQ(0, submit_to_worker(self));
	assert_results(self, NOW_BYTES + 2 * PAGE_SIZE, 0, 0);
}

/* The page that need not be resident is not. */
TEST_F(now, not_only_resident_pages)
{
	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 2, PAGE_SIZE);
	self->mappings[1].flags = 0;
	prepare(self);
	ASSERT_EQ(0, submit_to_worker(self));
	assert_results(self, 2 * PAGE_SIZE, 0, 0);
}

TEST_F(now, progress)
{
	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	self->batch->progress = (uintptr_t)self->progress;
	prepare(self);
	ASSERT_EQ(0, submit_to_worker(self));
	assert_results(self, PAGE_SIZE, 0, 0);
	ASSERT_EQ(PAGE_SIZE, self->progress->bytes_mapped);
}

TEST_F(now, other_flags)
{
	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	self->batch->flags = KVM_MAP_MEMORY_BACKGROUND;
	prepare(self);
	ASSERT_EQ(0, submit_to_worker(self));
	assert_results(self, PAGE_SIZE, 0, 0);
}

TEST_F(now, not_wanted)
{
	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	prepare(self)->flags |= IOSQE_ASYNC;
	ASSERT_EQ(0, submit_to_worker(self));
	assert_results(self, PAGE_SIZE, 0, 0);
}

/* The first page is mapped by the try, and then found present. */
TEST_F(now, no_memslot)
{
	memset(self->hva, 1, TEST_SIZE);
	init_batch(self, 3, PAGE_SIZE);
	self->mappings[1].base_address = TEST_GPA + 2 * TEST_SIZE;
	prepare(self);
	ASSERT_EQ(-ENOENT, submit_to_worker(self));
	ASSERT_EQ(1, self->batch->first_undone);
	ASSERT_EQ(PAGE_SIZE, self->batch->bytes_mapped);
	ASSERT_EQ(PAGE_SIZE, self->batch->bytes_present);
	ASSERT_EQ(0, self->mappings[0].size);
	ASSERT_EQ(PAGE_SIZE, self->mappings[1].size);
	ASSERT_EQ(0, self->mappings[2].size);
}

TEST_F(now, nothing_to_do)
{
	init_batch(self, 1, PAGE_SIZE);
	self->mappings[0].size = 0;
	prepare(self);
	ASSERT_EQ(-EINVAL, submit_to_worker(self));
}

/* A page that is shared with a child would have to be copied first: it is skipped. */
TEST_F(now, shared_page)
{
	int status, ends[2];
	char byte;
	pid_t child;

	memset(self->hva, 1, PAGE_SIZE);
	ASSERT_EQ(0, pipe(ends));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}

	init_batch(self, 2, PAGE_SIZE);
	submit_at_once(self);
	assert_results(self, 0, 0, 2 * PAGE_SIZE);

	close(ends[0]);
	close(ends[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
}

/*
 * Nobody but the io-wq thread waits for a structure that is held back, and comes as
 * zeroes, which are nothing to do.  False if there is no userfaultfd.
 */
static bool submit_held_back(FIXTURE_DATA(now) *self, void *page)
{
	struct uffd_gate gate;

	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	TEST_ASSERT_EQ(madvise(page, PAGE_SIZE, MADV_DONTNEED), 0);
	if (!uffd_gate_close_off(&gate, page, PAGE_SIZE))
		return false;

	prepare(self);
	map_ring_submit(&self->ring, 1);
	TEST_ASSERT_EQ(uffd_gate_wait(&gate), page);
	uffd_gate_release(&gate, page, PAGE_SIZE);
	TEST_ASSERT_EQ(map_ring_wait(&self->ring, NULL), -EINVAL);
	uffd_gate_destroy(&gate);
	return true;
}

TEST_F(now, batch_held_back)
{
	if (!submit_held_back(self, &self->pages[0]))
		SKIP(return, "There is no userfaultfd");
}

TEST_F(now, vector_held_back)
{
	if (!submit_held_back(self, &self->pages[1]))
		SKIP(return, "There is no userfaultfd");
}

/* Nothing is done that could not be reported. */
TEST_F(now, vector_read_only)
{
	const uint64_t pages = vm_get_stat(self->vm, "pages_4k");

	memset(self->hva, 1, PAGE_SIZE);
	init_batch(self, 1, PAGE_SIZE);
	ASSERT_EQ(0, mprotect(&self->pages[1], PAGE_SIZE, PROT_READ));
	prepare(self);
	ASSERT_EQ(-EFAULT, submit_to_worker(self));
	ASSERT_EQ(PAGE_SIZE, self->mappings[0].size);
	ASSERT_EQ(pages, vm_get_stat(self->vm, "pages_4k"));
}

int main(int argc, char *argv[])
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
