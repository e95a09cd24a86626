// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx
/*
 * Small pages are mapped by the leaf table; here something ends that before
 * the table's end: a slot, entries that are present, memory that is missing or
 * protected.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define TABLE_PAGES	512
/* Two leaf tables and a bit, from the middle of one on. */
#define FIRST_PAGE	301
#define NR_PAGES	1100
#define TEST_SIZE	(NR_PAGES * PAGE_SIZE)
#define GPA		(TEST_GPA + FIRST_PAGE * PAGE_SIZE)

FIXTURE(edges) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_VARIANT(edges) {
	enum map_entry entry;
	uint32_t workers;
	/* Between the pages' places in the guest's and in the host's tables. */
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(edges, ioctl) {
	.entry = MAP_BY_IOCTL, .workers = 1, .skew = 0,
};

FIXTURE_VARIANT_ADD(edges, ioctl_skewed) {
	.entry = MAP_BY_IOCTL, .workers = 1, .skew = 77,
};

FIXTURE_VARIANT_ADD(edges, uring_skewed_4_workers) {
	.entry = MAP_BY_URING, .workers = 4, .skew = 511,
};

FIXTURE_SETUP(edges)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_mem_alloc(TEST_SIZE + 2 * SZ_2M) +
		    (FIRST_PAGE + variant->skew) * PAGE_SIZE;
}

FIXTURE_TEARDOWN(edges)
{
	kvm_vm_free(self->vm);
}

static void set_slot(FIXTURE_DATA(edges) *self)
{
	test_slot_set(self->vm, TEST_SLOT, 0, GPA, TEST_SIZE, self->hva);
}

static void fill(FIXTURE_DATA(edges) *self)
{
	uint64_t i;

	for (i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(self->hva + i * PAGE_SIZE) = ~i;
}

static void expect_counts(FIXTURE_DATA(edges) *self,
			  const FIXTURE_VARIANT(edges) *variant, uint64_t flags,
			  uint64_t mapped_pages)
{
	assert_map_range(self->vm, variant->entry, GPA, TEST_SIZE, flags,
			 variant->workers, mapped_pages * PAGE_SIZE);
}

static void expect_guest_uses_all(FIXTURE_DATA(edges) *self)
{
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, GPA, TEST_SIZE, self->hva), 0);
}

static uint64_t count_multiples(uint64_t n)
{
	return (NR_PAGES + n - 1) / n;
}

static struct guest_pass every(uint64_t stride, uint64_t ops)
{
	return (struct guest_pass) {
		.gpa = GPA,
		.nr_pages = count_multiples(stride),
		.stride = stride,
		.ops = ops,
		.value = 0x600d,
	};
}

/* A slot of any size gets its own pages, and no others. */
TEST_F(edges, slots_in_one_leaf_table)
{
	static const uint64_t pages[] = { 1, 100, 2, 107, 1, 511, 378 };
	uint64_t i, gpa = GPA, hva_page = 0;
	void *hvas[ARRAY_SIZE(pages)];
	struct kvm_map_memory_batch batch;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		/* Neighbours in the guest, backwards in the host. */
		hva_page += pages[i];
		hvas[i] = self->hva + TEST_SIZE - hva_page * PAGE_SIZE;
		test_slot_set(self->vm, TEST_SLOT + i, 0, gpa,
			      pages[i] * PAGE_SIZE, hvas[i]);
		gpa += pages[i] * PAGE_SIZE;
	}
	ASSERT_EQ(GPA + TEST_SIZE, gpa);
	fill(self);

	expect_counts(self, variant, 0, NR_PAGES);
	ASSERT_EQ(NR_PAGES, vm_get_stat(self->vm, "pages_4k"));
	for (i = 0, gpa = GPA; i < ARRAY_SIZE(pages); i++) {
		ASSERT_EQ(0, guest_read_write(self->vcpu, gpa,
					      pages[i] * PAGE_SIZE, hvas[i]));
		gpa += pages[i] * PAGE_SIZE;
	}

	/* A page short of a slot's end, and a page beyond the last. */
	ASSERT_EQ(-ENOENT, map_range(self->vm, variant->entry, gpa - PAGE_SIZE,
				     2 * PAGE_SIZE, 0, variant->workers, &batch));
	ASSERT_EQ(PAGE_SIZE, batch.bytes_present);
	ASSERT_EQ(0, batch.bytes_mapped);
}

TEST_F(edges, a_gap_between_slots_in_one_leaf_table)
{
	uint64_t gap = 150, end = 157;
	struct kvm_memory_mapping mapping = { GPA, TEST_SIZE };
	struct kvm_map_memory_batch batch;
	uint64_t mapped;

	test_slot_set(self->vm, TEST_SLOT, 0, GPA, gap * PAGE_SIZE, self->hva);
	test_slot_set(self->vm, TEST_SLOT + 1, 0, GPA + end * PAGE_SIZE,
		      TEST_SIZE - end * PAGE_SIZE, self->hva + end * PAGE_SIZE);

	map_batch_init(&batch, &mapping, 1, variant->workers);
	ASSERT_EQ(-ENOENT, map_batch(self->vm, variant->entry, &batch));
	ASSERT_EQ(GPA + gap * PAGE_SIZE, mapping.base_address);
	ASSERT_EQ(TEST_SIZE - gap * PAGE_SIZE, mapping.size);
	mapped = batch.bytes_mapped;
	ASSERT_LE(gap * PAGE_SIZE, mapped);
	/* More only where another worker was at another table already. */
	if (variant->workers == 1)
		ASSERT_EQ(gap * PAGE_SIZE, mapped);

	mapping.base_address += (end - gap) * PAGE_SIZE;
	mapping.size -= (end - gap) * PAGE_SIZE;
	map_batch_init(&batch, &mapping, 1, variant->workers);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &batch));
	assert_batch_done(&batch, TEST_SIZE - (end - gap) * PAGE_SIZE - mapped,
			  mapped - gap * PAGE_SIZE);
	ASSERT_EQ(0, guest_read_write(self->vcpu, GPA, gap * PAGE_SIZE, self->hva));
	ASSERT_EQ(0, guest_read_write(self->vcpu, GPA + end * PAGE_SIZE,
				      TEST_SIZE - end * PAGE_SIZE,
				      self->hva + end * PAGE_SIZE));
}

TEST_F(edges, every_third_page_is_present)
{
	struct guest_pass touch = every(3, PASS_WRITE);

	set_slot(self);
	fill(self);
	ASSERT_EQ(touch.nr_pages, guest_pass(self->vcpu, &touch));
	expect_counts(self, variant, 0, NR_PAGES - touch.nr_pages);
	expect_counts(self, variant, 0, 0);

	touch.ops = PASS_READ | PASS_VERIFY;
	touch.expect = touch.value;
	ASSERT_EQ(0, guest_pass(self->vcpu, &touch));
	expect_guest_uses_all(self);
}

TEST_F(edges, every_third_page_is_present_by_a_vcpu)
{
	struct guest_pass touch = every(3, PASS_WRITE);
	struct kvm_memory_mapping mapping = { GPA, TEST_SIZE };

	set_slot(self);
	ASSERT_EQ(touch.nr_pages, guest_pass(self->vcpu, &touch));
	ASSERT_EQ(0, vcpu_map_memory(self->vcpu, &mapping));
	ASSERT_EQ(GPA + TEST_SIZE, mapping.base_address);
	ASSERT_EQ(0, mapping.size);
	expect_counts(self, variant, 0, 0);
	expect_guest_uses_all(self);
}

/* The zero page is there, mapped read-only: not good enough for a write. */
TEST_F(edges, zero_pages_among_empty_entries)
{
	struct guest_pass touch = every(5, PASS_READ);

	set_slot(self);
	ASSERT_EQ(touch.nr_pages, guest_pass(self->vcpu, &touch));
	expect_counts(self, variant, 0, NR_PAGES);
	expect_counts(self, variant, 0, 0);
	expect_guest_uses_all(self);
}

TEST_F(edges, zero_pages_among_written_ones)
{
	struct guest_pass zero = every(5, PASS_READ);
	uint64_t i;

	set_slot(self);
	for (i = 0; i < NR_PAGES; i++)
		if (i % 5)
			*(uint64_t *)(self->hva + i * PAGE_SIZE) = i;
	ASSERT_EQ(zero.nr_pages, guest_pass(self->vcpu, &zero));

	expect_counts(self, variant, KVM_MEMORY_MAPPING_READ,
		      NR_PAGES - zero.nr_pages);
	expect_counts(self, variant, KVM_MEMORY_MAPPING_READ, 0);
	/* Now only the zero pages are left to improve. */
	expect_counts(self, variant, 0, zero.nr_pages);
	expect_guest_uses_all(self);
}

/* Each hole ends the job at its very page; the rest can be submitted then. */
TEST_F(edges, holes_in_the_vma)
{
	static const uint64_t holes[] = {
		0, 7, TABLE_PAGES - FIRST_PAGE - 1, TABLE_PAGES - FIRST_PAGE + 3,
		2 * TABLE_PAGES - FIRST_PAGE, NR_PAGES - 1,
	};
	struct kvm_memory_mapping mapping = { GPA, TEST_SIZE };
	uint64_t i, next, mapped = 0;
	struct kvm_map_memory_batch batch;

	set_slot(self);
	fill(self);
	map_ring_keep();
	for (i = 0; i < ARRAY_SIZE(holes); i++)
		ASSERT_EQ(0, munmap(self->hva + holes[i] * PAGE_SIZE, PAGE_SIZE));

	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		map_batch_init(&batch, &mapping, 1, variant->workers);
		ASSERT_EQ(-EFAULT, map_batch(self->vm, variant->entry, &batch));
		ASSERT_EQ(GPA + holes[i] * PAGE_SIZE, mapping.base_address);
		ASSERT_EQ(TEST_SIZE - holes[i] * PAGE_SIZE, mapping.size);
		ASSERT_EQ(0, batch.first_undone);
		mapped += batch.bytes_mapped;
		mapping.base_address += PAGE_SIZE;
		mapping.size -= PAGE_SIZE;
	}
	ASSERT_EQ(0, mapping.size);
	ASSERT_EQ(TEST_SIZE - i * PAGE_SIZE, mapped);

	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		uint64_t start = (holes[i] + 1) * PAGE_SIZE;

		next = i + 1 < ARRAY_SIZE(holes) ? holes[i + 1] * PAGE_SIZE :
						   TEST_SIZE;
		ASSERT_EQ(0, guest_read_write(self->vcpu, GPA + start,
					      next - start, self->hva + start));
	}
}

TEST_F(edges, protected_pages)
{
	uint64_t none = TABLE_PAGES - FIRST_PAGE + 9;
	uint64_t i, readable = none + 100, nr_readable = 3;
	struct kvm_memory_mapping mapping = { GPA, TEST_SIZE };
	struct kvm_map_memory_batch batch;
	uint64_t mapped;

	set_slot(self);
	fill(self);
	ASSERT_EQ(0, mprotect(self->hva + none * PAGE_SIZE, PAGE_SIZE, PROT_NONE));
	ASSERT_EQ(0, mprotect(self->hva + readable * PAGE_SIZE,
			      nr_readable * PAGE_SIZE, PROT_READ));

	map_batch_init(&batch, &mapping, 1, variant->workers);
	ASSERT_EQ(-EFAULT, map_batch(self->vm, variant->entry, &batch));
	ASSERT_EQ(GPA + none * PAGE_SIZE, mapping.base_address);
	ASSERT_EQ(TEST_SIZE - none * PAGE_SIZE, mapping.size);
	mapped = batch.bytes_mapped;

	/* Memory that can only be read is mapped for reading, once. */
	mapping.base_address += PAGE_SIZE;
	mapping.size -= PAGE_SIZE;
	map_batch_init(&batch, &mapping, 1, variant->workers);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &batch));
	ASSERT_EQ(TEST_SIZE - PAGE_SIZE, mapped + batch.bytes_mapped);
	ASSERT_EQ(0, guest_read(self->vcpu, GPA + (none + 1) * PAGE_SIZE,
				TEST_SIZE - (none + 1) * PAGE_SIZE));

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(-EFAULT, map_range(self->vm, variant->entry,
					     GPA + none * PAGE_SIZE, PAGE_SIZE, 0,
					     variant->workers, &batch));
		ASSERT_EQ(0, batch.bytes_mapped + batch.bytes_present);
	}

	ASSERT_EQ(0, mprotect(self->hva, TEST_SIZE, PROT_READ | PROT_WRITE));
	expect_counts(self, variant, 0, 1 + nr_readable);
	expect_guest_uses_all(self);
}

/* Some pages went, or may go, since they were filled. */
TEST_F(edges, discarded_pages)
{
	uint64_t i;

	set_slot(self);
	fill(self);
	for (i = 0; i < NR_PAGES; i += 7)
		ASSERT_EQ(0, madvise(self->hva + i * PAGE_SIZE, PAGE_SIZE,
				     MADV_DONTNEED));
	expect_counts(self, variant, 0, NR_PAGES);

	/* When they are mapped: what is taken away is what is mapped anew. */
	for (i = 0; i < NR_PAGES; i += 11)
		ASSERT_EQ(0, madvise(self->hva + i * PAGE_SIZE, PAGE_SIZE,
				     MADV_DONTNEED));
	expect_counts(self, variant, 0, count_multiples(11));
	for (i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(i % 7 && i % 11 ? ~i : 0,
			  *(uint64_t *)(self->hva + i * PAGE_SIZE));
	expect_guest_uses_all(self);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
