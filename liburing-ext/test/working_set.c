// SPDX-License-Identifier: MIT
/* Working sets: adding, merging, ordering and splitting ranges. */
#include <errno.h>
#include <stdint.h>
#include "working_set_test.h"

static void test_empty(void)
{
	struct kvm_working_set *set = new_set();
	struct kvm_memory_mapping mapping;

	ok(kvm_working_set_count(set) == 0 && kvm_working_set_bytes(set) == 0 &&
	   kvm_working_set_mappings(set, 0, &mapping, 1, 0) == 0,
	   "a new set is empty");
	kvm_working_set_sort(set, 0);
	ok(!kvm_working_set_split(set, PAGE) &&
	   !kvm_working_set_intersect(set, set) &&
	   !kvm_working_set_merge(set, set) &&
	   !kvm_working_set_add(set, NULL, 0) && kvm_working_set_count(set) == 0,
	   "and stays so");
	kvm_working_set_destroy(set);
	kvm_working_set_destroy(NULL);
}

static void test_add(void)
{
	struct kvm_working_set *set = new_set();

	ok(!ADD(set, { 8, 2 }, { 4, 1 }, { 20, 0 }, { 100, 3 }) &&
	   HAS(set, { 8, 2 }, { 4, 1 }, { 100, 3 }),
	   "the order is kept, and empty ranges are skipped");
	ok(!ADD(set, { 103, 1 }) && HAS(set, { 8, 2 }, { 4, 1 }, { 100, 4 }),
	   "the last range grows");
	ok(!ADD(set, { 5, 3 }) &&
	   HAS(set, { 8, 2 }, { 4, 1 }, { 100, 4 }, { 5, 3 }),
	   "others do not: that would change the order");
	ok(!ADD(set, { 0, 200 }) &&
	   HAS(set, { 8, 2 }, { 4, 1 }, { 100, 4 }, { 5, 3 }, { 0, 4 },
	       { 10, 90 }, { 104, 96 }), "only pages that are new are added");
	ok(!ADD(set, { 8, 1 }, { 199, 1 }) && kvm_working_set_count(set) == 7,
	   "or none");
	kvm_working_set_destroy(set);

	set = new_set();
	ok(!ADD(set, { 9, 1 }, { 3, 4 }, { 0, 12 }, { 9, 1 }, { 5, 9 }, { 2, 1 }) &&
	   HAS(set, { 9, 1 }, { 3, 4 }, { 0, 3 }, { 7, 2 }, { 10, 4 }),
	   "a page that is in several ranges belongs to the first");
	kvm_working_set_destroy(set);
}

/* Random ranges, by a map of pages that remembers the order. */
static void test_model(void)
{
	enum { PAGES = 512, CALLS = 300 };
	unsigned int first_of[PAGES] = { 0 }, next = 0, seed = 1, i, j, bad = 0;
	struct kvm_working_set *set = new_set();
	struct kvm_memory_mapping mapping;
	unsigned int place = 0, page;

	for (i = 0; i < CALLS; i++) {
		struct pages pages[4];

		for (j = 0; j < 4; j++) {
			pages[j].first = rand_r(&seed) % (PAGES - 8);
			pages[j].nr = rand_r(&seed) % 8;
			for (page = 0; page < pages[j].nr; page++)
				if (!first_of[pages[j].first + page])
					first_of[pages[j].first + page] = ++next;
		}
		if (add_pages(set, pages, 4))
			bad++;
	}
	for (i = 0; kvm_working_set_mappings(set, i, &mapping, 1, 0); i++)
		for (page = 0; page < mapping.size / PAGE; page++)
			bad += first_of[mapping.base_address / PAGE + page] !=
			       ++place;
	ok(!bad && place == next && kvm_working_set_bytes(set) == next * PAGE,
	   "of random ranges each page is there once, in order of first touch");
	kvm_working_set_destroy(set);
}

static void test_errors(void)
{
	static const struct kvm_memory_mapping bad[] = {
		{ 1, PAGE, 0 }, { 0, 1, 0 }, { PAGE, PAGE - 1, 0 },
		{ ~0ULL - PAGE + 1, PAGE, 0 }, { PAGE, ~0ULL - PAGE + 1, 0 },
		{ 1, 0, 0 },
	};
	struct kvm_memory_mapping two[2] = { { 50 * PAGE, PAGE, 0 } };
	struct kvm_working_set *set = new_set();
	size_t i;

	ADD(set, { 8, 2 }, { 4, 1 });
	errno = E2BIG;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		two[1] = bad[i];
		ok(kvm_working_set_add(set, two, 2) == -EINVAL &&
		   HAS(set, { 8, 2 }, { 4, 1 }),
		   "range %zu of no pages: EINVAL, nothing added", i);
	}
	two[1].base_address = ~0ULL - 2 * PAGE + 1;
	two[1].size = PAGE;
	ok(!kvm_working_set_add(set, two, 2), "the last page but one is one");
	ok(kvm_working_set_split(set, 0) == -EINVAL &&
	   kvm_working_set_split(set, PAGE + 1) == -EINVAL &&
	   kvm_working_set_split(set, PAGE / 2) == -EINVAL,
	   "split at no multiple of a page: EINVAL");
	ok(errno == E2BIG, "errno is left alone");
	kvm_working_set_destroy(set);
}

static void test_merge(void)
{
	struct kvm_working_set *set = new_set(), *other = new_set();

	ADD(set, { 8, 2 }, { 4, 1 });
	ADD(other, { 9, 4 }, { 2, 4 });
	ok(!kvm_working_set_merge(set, other) &&
	   HAS(set, { 8, 2 }, { 4, 1 }, { 10, 3 }, { 2, 2 }, { 5, 1 }),
	   "merge appends the new pages of the other set, in its order");
	ok(HAS(other, { 9, 4 }, { 2, 4 }), "the other set is as it was");
	ok(!kvm_working_set_merge(set, set) && kvm_working_set_count(set) == 5,
	   "merging a set with itself changes nothing");
	kvm_working_set_destroy(other);

	other = new_set();
	ADD(other, { 3, 3 }, { 12, 100 });
	ok(!kvm_working_set_intersect(set, other) &&
	   HAS(set, { 4, 1 }, { 12, 1 }, { 3, 1 }, { 5, 1 }),
	   "intersect keeps common pages, in the order of the first set");
	kvm_working_set_destroy(other);
	other = new_set();
	ok(!kvm_working_set_intersect(set, other) &&
	   kvm_working_set_count(set) == 0, "no page is common with an empty set");
	ok(!ADD(set, { 1, 1 }) && HAS(set, { 1, 1 }), "which can be filled again");
	kvm_working_set_destroy(other);
	kvm_working_set_destroy(set);
}

static void test_sort(void)
{
	struct kvm_working_set *set = new_set();

	ADD(set, { 20, 1 }, { 8, 2 }, { 4, 1 }, { 10, 3 }, { 16, 1 }, { 6, 1 });
	kvm_working_set_sort(set, 0);
	ok(HAS(set, { 4, 1 }, { 6, 1 }, { 8, 5 }, { 16, 1 }, { 20, 1 }),
	   "sort orders by address, and joins neighbours");
	kvm_working_set_sort(set, PAGE);
	ok(HAS(set, { 4, 9 }, { 16, 1 }, { 20, 1 }), "gaps of a page are filled");
	kvm_working_set_sort(set, 3 * PAGE - 1);
	ok(HAS(set, { 4, 9 }, { 16, 1 }, { 20, 1 }), "larger ones are not");
	kvm_working_set_sort(set, ~0ULL);
	ok(HAS(set, { 4, 17 }), "all of them");
	kvm_working_set_destroy(set);
}

static void test_split(void)
{
	struct kvm_working_set *set = new_set();
	struct kvm_memory_mapping huge = { 0, 1ULL << 62, 0 };

	ADD(set, { 6, 7 }, { 1, 1 }, { 2, 2 });
	ok(!kvm_working_set_split(set, 4 * PAGE) &&
	   HAS(set, { 6, 2 }, { 8, 4 }, { 12, 1 }, { 1, 3 }),
	   "split cuts at multiples of the size, in place");
	ok(!ADD(set, { 4, 2 }) &&
	   HAS(set, { 6, 2 }, { 8, 4 }, { 12, 1 }, { 1, 5 }),
	   "what is added later is not split");
	ok(!kvm_working_set_split(set, 100 * PAGE) &&
	   HAS(set, { 6, 2 }, { 8, 4 }, { 12, 1 }, { 1, 5 }),
	   "ranges that are cut do not join");
	kvm_working_set_sort(set, 0);
	ok(HAS(set, { 1, 12 }), "sort joins them");
	ok(!kvm_working_set_add(set, &huge, 1) &&
	   kvm_working_set_split(set, PAGE) == -E2BIG &&
	   kvm_working_set_count(set) == 3, "too many pieces: E2BIG, as before");
	kvm_working_set_destroy(set);
}

static void test_mappings(void)
{
	enum { NR = KVM_MAP_MEMORY_MAX_MAPPINGS };
	struct kvm_memory_mapping *mappings = calloc(2 * NR, sizeof(*mappings));
	struct kvm_working_set *set = new_set();
	size_t i, first, bad = 0, nr[4] = { 0 };

	for (i = 0; i < NR + 10; i++) {
		mappings[i].base_address = 2 * i * PAGE;
		mappings[i].size = PAGE;
	}
	ok(!kvm_working_set_add(set, mappings, NR + 10) &&
	   kvm_working_set_count(set) == NR + 10, "more ranges than a batch takes");
	memset(mappings, 0, 2 * NR * sizeof(*mappings));
	for (i = 0, first = 0; i < 4; first += nr[i++])
		nr[i] = kvm_working_set_mappings(set, first, mappings + first,
						 2 * NR,
						 KVM_MEMORY_MAPPING_READ);
	ok(nr[0] == NR && nr[1] == 10 && nr[2] == 0 && nr[3] == 0,
	   "are two batches");
	for (i = 0; i < NR + 10; i++)
		bad += mappings[i].base_address != 2 * i * PAGE ||
		       mappings[i].size != PAGE ||
		       mappings[i].flags != KVM_MEMORY_MAPPING_READ;
	ok(!bad && !mappings[i].size, "with every range once, and the flags");
	ok(!kvm_working_set_mappings(set, SIZE_MAX, mappings, 1, 0) &&
	   !kvm_working_set_mappings(set, 0, mappings, 0, 0),
	   "none behind the end, or into an empty vector");
	kvm_working_set_destroy(set);
	free(mappings);
}

int main(void)
{
	test_empty();
	test_add();
	test_model();
	test_errors();
	test_merge();
	test_sort();
	test_split();
	test_mappings();
	return done_testing();
}
