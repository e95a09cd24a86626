// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Many ranges of a few pages: neighbours in the vector are worked on together,
 * and yet each has counts, an error and a rest of its own.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define NR_PAGES	4096
#define TEST_SIZE	(NR_PAGES * PAGE_SIZE)
#define NR_THOUSANDS	6000
/* More than are ever worked on together. */
#define NR_RANGES	200

FIXTURE(grouped) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	struct kvm_memory_mapping mappings[NR_THOUSANDS];
	struct kvm_map_memory_batch batch;
};

FIXTURE_VARIANT(grouped) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(grouped, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(grouped, ioctl_4_workers) {
	.entry = MAP_BY_IOCTL, .workers = 4,
};

FIXTURE_VARIANT_ADD(grouped, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(grouped, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

FIXTURE_SETUP(grouped)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(grouped)
{
	kvm_vm_free(self->vm);
}

static void set_range(FIXTURE_DATA(grouped) *self, unsigned int i, uint64_t page,
		      uint64_t nr, uint64_t flags)
{
	self->mappings[i] = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA + page * PAGE_SIZE,
		.size = nr * PAGE_SIZE,
		.flags = flags,
	};
}

static int map_ranges(FIXTURE_DATA(grouped) *self,
		      const FIXTURE_VARIANT(grouped) *variant, unsigned int nr)
{
	map_batch_init(&self->batch, self->mappings, nr, variant->workers);
	return map_batch(self->vm, variant->entry, &self->batch);
}

static void expect_end(FIXTURE_DATA(grouped) *self, unsigned int i, uint64_t page)
{
	TEST_ASSERT(self->mappings[i].base_address == TEST_GPA + page * PAGE_SIZE &&
		    !self->mappings[i].size, "mapping %u: 0x%llx left at 0x%llx",
		    i, self->mappings[i].size, self->mappings[i].base_address);
}

/* In an order in which hardly two neighbours are in one leaf table. */
static uint64_t scattered(uint64_t i, uint64_t nr)
{
	return i * 1009 % nr;
}

TEST_F(grouped, unsorted)
{
	unsigned int i;

	for (i = 0; i < NR_PAGES / 2; i++)
		set_range(self, i, 2 * scattered(i, NR_PAGES / 2), 1, 0);
	ASSERT_EQ(0, map_ranges(self, variant, i));
	assert_batch_done(&self->batch, TEST_SIZE / 2, 0);
	for (i = 0; i < NR_PAGES / 2; i++)
		expect_end(self, i, 2 * scattered(i, NR_PAGES / 2) + 1);
	ASSERT_EQ(NR_PAGES / 2, vm_get_stat(self->vm, "pages_4k"));
	/* These, and none between them. */
	ASSERT_EQ(NR_PAGES / 2, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(grouped, duplicates)
{
	unsigned int i;

	/* Each page three times, by ranges that overlap as well. */
	for (i = 0; i < NR_RANGES; i++)
		set_range(self, i, i / 2 * 2, i & 1 ? 2 : 4, 0);
	ASSERT_EQ(0, map_ranges(self, variant, NR_RANGES));
	assert_batch_done(&self->batch, (NR_RANGES + 2) * PAGE_SIZE,
			  (3 * NR_RANGES - NR_RANGES - 2) * PAGE_SIZE);
	ASSERT_EQ(NR_RANGES + 2, vm_get_stat(self->vm, "pages_4k"));
}

/* Ranges of no size are nowhere, least of all where their address is. */
TEST_F(grouped, empty_ones_elsewhere)
{
	unsigned int i;

	for (i = 0; i < NR_RANGES; i++) {
		if (i % 4 == 1)		/* no memslot */
			set_range(self, i, 2 * NR_PAGES + i, 0, 0);
		else if (i % 4 == 3)	/* another leaf table */
			set_range(self, i, (16 * i + NR_PAGES / 2 + 7) % NR_PAGES, 0, 0);
		else
			set_range(self, i, 16 * i, 1, 0);
	}
	ASSERT_EQ(0, map_ranges(self, variant, NR_RANGES));
	assert_batch_done(&self->batch, NR_RANGES / 2 * PAGE_SIZE, 0);
	ASSERT_EQ(NR_RANGES / 2, vm_get_stat(self->vm, "pages_4k"));
	for (i = 0; i < NR_RANGES; i += 2)
		expect_end(self, i, 16 * i + 1);
}

TEST_F(grouped, some_in_holes)
{
	unsigned int i, nr_holes = 0;

	for (i = 0; i < NR_RANGES; i++) {
		if (i % 7 == 3)		/* none there */
			set_range(self, i, NR_PAGES + i, 2, 0);
		else if (i % 7 == 5)	/* one there, one not */
			set_range(self, i, NR_PAGES - 1, 2, 0);
		else
			set_range(self, i, scattered(i, NR_RANGES) * 16, 3, 0);
	}
	ASSERT_EQ(-ENOENT, map_ranges(self, variant, NR_RANGES));
	ASSERT_EQ(3, self->batch.first_undone);
	for (i = 0; i < NR_RANGES; i++) {
		if (i % 7 != 3 && i % 7 != 5) {
			expect_end(self, i, scattered(i, NR_RANGES) * 16 + 3);
			continue;
		}
		nr_holes++;
		ASSERT_EQ(TEST_GPA + (NR_PAGES + (i % 7 == 3 ? i : 0)) * PAGE_SIZE,
			  self->mappings[i].base_address);
		ASSERT_EQ((i % 7 == 3 ? 2 : 1) * PAGE_SIZE, self->mappings[i].size);
	}
	ASSERT_EQ(((NR_RANGES - nr_holes) * 3 + 1) * PAGE_SIZE,
		  self->batch.bytes_mapped);

	/* With a slot there the same vector goes on where it stopped. */
	test_slot_add(self->vm, TEST_SLOT + 1, TEST_GPA + TEST_SIZE, SZ_1M,
		      VM_MEM_SRC_ANONYMOUS);
	ASSERT_EQ(0, map_ranges(self, variant, NR_RANGES));
	ASSERT_EQ(NR_RANGES, self->batch.first_undone);
	for (i = 0; i < NR_RANGES; i++)
		ASSERT_EQ(0, self->mappings[i].size);
}

/* An error within a group is that of one range; its host memory is missing. */
TEST_F(grouped, some_without_host_memory)
{
	uint64_t bad = 16 * 40 + 1;
	unsigned int i;

	ASSERT_EQ(0, mprotect(self->hva + bad * PAGE_SIZE, PAGE_SIZE, PROT_NONE));
	for (i = 0; i < NR_RANGES; i++)
		set_range(self, i, 16 * i, 3, 0);
	ASSERT_EQ(-EFAULT, map_ranges(self, variant, NR_RANGES));
	ASSERT_EQ(40, self->batch.first_undone);
	ASSERT_EQ((NR_RANGES * 3 - 2) * PAGE_SIZE, self->batch.bytes_mapped);
	for (i = 0; i < NR_RANGES; i++)
		if (i != 40)
			expect_end(self, i, 16 * i + 3);
	ASSERT_EQ(TEST_GPA + bad * PAGE_SIZE, self->mappings[40].base_address);
	ASSERT_EQ(2 * PAGE_SIZE, self->mappings[40].size);

	ASSERT_EQ(0, mprotect(self->hva + bad * PAGE_SIZE, PAGE_SIZE,
			      PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, map_ranges(self, variant, NR_RANGES));
	assert_batch_done(&self->batch, 2 * PAGE_SIZE, 0);
}

/* A read leaves the zero page, a write does not, whoever its neighbour is. */
TEST_F(grouped, reads_among_writes)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA, .nr_pages = NR_RANGES / 2, .stride = 2,
		.ops = PASS_WRITE,
	};
	unsigned int i;

	for (i = 0; i < NR_RANGES; i++)
		set_range(self, i, i, 1, i & 1 ? KVM_MEMORY_MAPPING_READ : 0);
	ASSERT_EQ(0, map_ranges(self, variant, NR_RANGES));
	assert_batch_done(&self->batch, NR_RANGES * PAGE_SIZE, 0);
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, NR_RANGES * PAGE_SIZE));
	ASSERT_EQ(0, guest_pass(self->vcpu, &pass));
	/* At least once each: replacing the page may need another try. */
	pass.gpa += PAGE_SIZE;
	ASSERT_LE(NR_RANGES / 2, guest_pass(self->vcpu, &pass));
}

/* Groups that go from slot to slot and from leaf table to leaf table. */
TEST_F(grouped, several_slots)
{
	uint64_t other = 5 * 512 + 100, nr_other = 70;
	void *hva = test_mem_alloc(nr_other * PAGE_SIZE);
	unsigned int i;

	/* Else a write to the one slot could replace zero pages in the other. */
	memset(hva, 1, nr_other * PAGE_SIZE);
	test_slot_set(self->vm, TEST_SLOT + 1, 0,
		      TEST_GPA + (NR_PAGES + other) * PAGE_SIZE,
		      nr_other * PAGE_SIZE, hva);
	test_slot_set(self->vm, TEST_SLOT + 2, KVM_MEM_READONLY,
		      TEST_GPA + (NR_PAGES + other + nr_other) * PAGE_SIZE,
		      nr_other * PAGE_SIZE, hva);
	for (i = 0; i < 3 * nr_other; i++)
		set_range(self, i, i % 3 ? NR_PAGES + other + i / 3 +
			  (i % 3 - 1) * nr_other : i / 3 * 50 % NR_PAGES, 1, 0);
	ASSERT_EQ(0, map_ranges(self, variant, i));
	assert_batch_done(&self->batch, 3 * nr_other * PAGE_SIZE, 0);
	ASSERT_EQ(3 * nr_other, vm_get_stat(self->vm, "pages_4k"));
	ASSERT_EQ(0, guest_read_write(self->vcpu,
				      TEST_GPA + (NR_PAGES + other) * PAGE_SIZE,
				      nr_other * PAGE_SIZE, hva));
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA +
				(NR_PAGES + other + nr_other) * PAGE_SIZE,
				nr_other * PAGE_SIZE));
}

/* Ranges that are done stay as they are, wherever they point. */
TEST_F(grouped, done_ones_between)
{
	unsigned int i;

	for (i = 0; i < NR_RANGES; i++)
		set_range(self, i, i % 3 ? 2 * NR_PAGES + i : 5 * i, i % 3 ? 0 : 2, 0);
	ASSERT_EQ(0, map_ranges(self, variant, NR_RANGES));
	assert_batch_done(&self->batch, (NR_RANGES + 2) / 3 * 2 * PAGE_SIZE, 0);
	for (i = 0; i < NR_RANGES; i++)
		expect_end(self, i, i % 3 ? 2 * NR_PAGES + i : 5 * i + 2);
}

/* Small ones among large ones; all together they are the memory, twice. */
TEST_F(grouped, small_among_large)
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		set_range(self, 3 * i, i * 64, 17, 0);
		set_range(self, 3 * i + 1, i * 64 + 17, 31, 0);
		set_range(self, 3 * i + 2, i * 64 + 48, 16, 0);
	}
	ASSERT_EQ(0, map_ranges(self, variant, 3 * i));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	for (i = 0; i < 2 * 64; i++)
		set_range(self, i, i / 2 * 64, i & 1 ? 64 : 15, 0);
	ASSERT_EQ(0, map_ranges(self, variant, i));
	assert_batch_done(&self->batch, 0, TEST_SIZE + 64 * 15 * PAGE_SIZE);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

TEST_F(grouped, thousands)
{
	unsigned int i;

	for (i = 0; i < NR_THOUSANDS; i++)
		set_range(self, i, scattered(i, NR_PAGES), 1, 0);
	ASSERT_EQ(0, map_ranges(self, variant, NR_THOUSANDS));
	assert_batch_done(&self->batch, TEST_SIZE,
			  (NR_THOUSANDS - NR_PAGES) * PAGE_SIZE);
	for (i = 0; i < NR_THOUSANDS; i++)
		expect_end(self, i, scattered(i, NR_PAGES) + 1);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

static void close_a_vm_fd(struct kvm_vm *vm)
{
	int fd = dup(vm->fd);

	TEST_ASSERT(fd >= 0 && !close(fd), "Cannot duplicate and close the VM's file");
}

/*
 * Ended in the middle of its second group; or if there are other workers, of the first,
 * while they are at the beginnings of the others, so that nobody is at work.
 */
TEST_F(grouped, cancelled)
{
	unsigned int last = variant->workers > 1 ? 36 : 100, stop = last * 3 + 1, i;
	struct map_thread thread;
	struct uffd_gate gate;
	bool at_stop = false;
	uint64_t left = 0;

	if (!uffd_gate_close_off(&gate, self->hva + stop * PAGE_SIZE,
				 TEST_SIZE - stop * PAGE_SIZE))
		SKIP(return, "userfaultfd is not permitted");

	for (i = 0; i < NR_RANGES; i++)
		set_range(self, i, i * 3, 3, 0);
	map_batch_init(&self->batch, self->mappings, NR_RANGES, variant->workers);
	map_thread_start(&thread, self->vm, variant->entry, &self->batch);
	for (i = 0; i < variant->workers; i++)
		at_stop |= uffd_gate_wait(&gate) == self->hva + stop * PAGE_SIZE;
	/* Some ranges before the one that is waited for are mapped with that one. */
	ASSERT_TRUE(at_stop);
	close_a_vm_fd(self->vm);
	ASSERT_EQ(-ECANCELED, map_thread_join(&thread));

	ASSERT_EQ(last, self->batch.first_undone);
	ASSERT_EQ(stop * PAGE_SIZE, self->batch.bytes_mapped);
	ASSERT_EQ(stop, vm_get_stat(self->vm, "pages_4k"));
	for (i = 0; i < NR_RANGES; i++) {
		if (i < last) {
			expect_end(self, i, i * 3 + 3);
			continue;
		}
		ASSERT_EQ(TEST_GPA + (i == last ? stop : i * 3) * PAGE_SIZE,
			  self->mappings[i].base_address);
		ASSERT_EQ((i == last ? 2 : 3) * PAGE_SIZE, self->mappings[i].size);
		left += self->mappings[i].size;
	}

	uffd_gate_destroy(&gate);
	ASSERT_EQ(0, map_ranges(self, variant, NR_RANGES));
	assert_batch_done(&self->batch, left, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, NR_RANGES * 3 * PAGE_SIZE,
				      self->hva));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
