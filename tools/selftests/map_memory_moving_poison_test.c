// SPDX-License-Identifier: GPL-2.0
// quick: svm
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs over memory that goes bad under them.  The thread that hits the memory,
 * as a machine check would, is signalled; no other one is.
 */
#include <signal.h>

#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/hugetlb_pool.h"
#include "lib/moving_memory.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define MAX_BAD		(3 * MOVING_CHANGES)

enum kind { SMALL, THP, HUGETLB };

FIXTURE(poison) {
	struct moving_memory mem;
	uint64_t pool_old;
};

FIXTURE_VARIANT(poison) {
	enum kind kind;
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(poison, small) { .kind = SMALL };
FIXTURE_VARIANT_ADD(poison, small_skewed) { .kind = SMALL, .skew = 201 };
FIXTURE_VARIANT_ADD(poison, thp) { .kind = THP };
FIXTURE_VARIANT_ADD(poison, hugetlb) { .kind = HUGETLB };

static enum kind kind;
/* The pages that become bad by one. */
static uint64_t unit;
static uint64_t bad[MAX_BAD];
static unsigned int nr_bad;
static unsigned int nr_poisoned;

static unsigned int nr_signals;
static __thread void *hit;

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	static const char text[] = "# a SIGBUS too many\n";

	if (hit && info->si_addr == hit) {
		nr_signals++;
		return;
	}
	if (write(STDERR_FILENO, text, sizeof(text) - 1) > 0)
		_exit(KSFT_FAIL);
	_exit(KSFT_FAIL);
}

static void *alloc_hugetlb(void *at)
{
	void *hva = mmap(at, MOVING_HUGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			 MAP_NORESERVE | MAP_FIXED, -1, 0);

	TEST_ASSERT(hva == at, "mmap of huge pages failed");
	return hva;
}

FIXTURE_SETUP(poison)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};
	void *hva = test_mem_alloc(MOVING_HUGE_SIZE);

	ASSERT_EQ(0, sigaction(SIGBUS, &action, NULL));
	/* No memory, but an error where there is no such thing. */
	if (madvise(hva, 0, MADV_HWPOISON))
		SKIP(return, "Memory cannot be poisoned here");
	kind = variant->kind;
	unit = kind == HUGETLB ? PAGES_PER_HUGE : 1;
	if (kind == THP && madvise(hva, MOVING_HUGE_SIZE, MADV_HUGEPAGE))
		SKIP(return, "No transparent huge pages here");
	if (kind == HUGETLB) {
		/* Bad ones are lost to the pool. */
		if (!hugetlb_pool_grow(SZ_2M / 1024, MOVING_HUGE + 2 + MOVING_ROUNDS *
				       MOVING_CHANGES, &self->pool_old))
			SKIP(return, "No free hugetlb pages");
		alloc_hugetlb(hva);
	}
	if (kind == SMALL)
		moving_memory_create(&self->mem, hva + variant->skew * PAGE_SIZE,
				     MOVING_PAGES, MOVING_FIRST, MOVING_NR);
	else
		moving_memory_create_huge(&self->mem, hva, variant->skew);
	moving_mark(self->mem.hva, self->mem.nr_pages, 1);
}

FIXTURE_TEARDOWN(poison)
{
	uint64_t size = self->mem.nr_pages * PAGE_SIZE;
	void *hva = self->mem.hva;

	moving_memory_destroy(&self->mem);
	if (kind == HUGETLB && hva) {
		munmap(hva, size);
		hugetlb_pool_restore(SZ_2M / 1024, self->pool_old);
	}
}

/* Pages that went bad are counted for good. */
static uint64_t corrupted_pages(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	uint64_t kib = 0;
	bool found = false;
	char line[128];

	TEST_ASSERT(file, "Cannot open /proc/meminfo");
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "HardwareCorrupted: %lu kB", &kib) == 1;
	fclose(file);
	TEST_ASSERT(found, "/proc/meminfo has no HardwareCorrupted");
	return kib * 1024 / PAGE_SIZE;
}

/* A page of the changing ones that is good. */
static uint64_t choose_page(unsigned int nr, unsigned int i)
{
	if (kind == SMALL)
		return 11 + 37 * (nr * 3 + i);
	return nr % MOVING_HUGE * PAGES_PER_HUGE + 100 + 13 * nr;
}

static void poison_some(struct moving_memory *mem, unsigned int nr)
{
	unsigned int i;
	uint64_t page;

	for (i = 0; i < (kind == SMALL ? 3 : 1); i++) {
		page = choose_page(nr, i);
		hit = moving_page(mem, page);
		/* It is busy if, say, a vCPU has it just now, and still bad. */
		TEST_ASSERT(!madvise(hit, PAGE_SIZE, MADV_HWPOISON) || errno == EBUSY,
			    "MADV_HWPOISON: %s", strerror(errno));
		TEST_ASSERT(!page_is_present(hit), "A bad page can be used");
		hit = NULL;
		bad[nr_bad++] = page / unit * unit;
		nr_poisoned++;
	}
	moving_memory_await(&mem->nr_ehwpoison);
}

static uint64_t lowest_bad(void)
{
	uint64_t lowest = bad[0];
	unsigned int i;

	for (i = 1; i < nr_bad; i++)
		lowest = bad[i] < lowest ? bad[i] : lowest;
	return lowest;
}

static uint64_t above_bad(void)
{
	uint64_t above = 0;
	unsigned int i;

	for (i = 0; i < nr_bad; i++)
		above = bad[i] + unit > above ? bad[i] + unit : above;
	return above;
}

/* Nothing moves: exactly the bad pages are missing.  Then they are replaced. */
static void expect_bad_pages(struct moving_memory *mem)
{
	uint64_t good = (mem->first_moving + above_bad()) * PAGE_SIZE;
	struct kvm_memory_mapping left[] = {
		{ TEST_GPA, mem->nr_pages * PAGE_SIZE },
		{ TEST_GPA + good, mem->nr_pages * PAGE_SIZE - good },
	};
	struct kvm_map_memory_batch batch;
	unsigned int i;

	map_batch_init(&batch, left, 2, mem->round & 1 ? 4 : 1);
	TEST_ASSERT_EQ(map_batch(mem->vm, MAP_BY_IOCTL, &batch), -EHWPOISON);
	TEST_ASSERT_EQ(left[0].base_address, TEST_GPA +
		       (mem->first_moving + lowest_bad()) * PAGE_SIZE);
	TEST_ASSERT_EQ(left[1].size, 0);

	TEST_ASSERT_EQ(moving_memory_map(mem, KVM_MEMORY_MAPPING_RESIDENT, NULL,
					 &batch), 0);
	TEST_ASSERT_EQ(batch.bytes_skipped, nr_bad * unit * PAGE_SIZE);

	for (i = 0; i < nr_bad; i++)
		TEST_ASSERT(!madvise(moving_page(mem, bad[i]), unit * PAGE_SIZE,
				     MADV_DONTNEED), "MADV_DONTNEED failed");
	nr_bad = 0;
	if (kind == THP)
		TEST_ASSERT(!madvise(mem->moving, mem->nr_moving * PAGE_SIZE,
				     MADV_COLLAPSE), "MADV_COLLAPSE failed");
}

TEST_F_TIMEOUT(poison, during_jobs, 90)
{
	uint64_t corrupted = corrupted_pages();
	uint64_t splits = kind == THP ? vmstat_counter("thp_split_page") : 0;

	if (kind == THP && thp_bytes(self->mem.hva, MOVING_HUGE_PAGES * PAGE_SIZE) <
			   MOVING_HUGE_PAGES * PAGE_SIZE)
		SKIP(return, "No transparent huge pages to be had");
	self->mem.poison = true;
	self->mem.settle = expect_bad_pages;
	moving_memory_race(&self->mem, VCPUS_AROUND, poison_some);
	ASSERT_EQ(0, self->mem.nr_efault);
	ASSERT_EQ(corrupted + nr_poisoned, corrupted_pages());
	ASSERT_EQ(nr_poisoned, nr_signals);
	if (kind == THP)
		ASSERT_LE(splits + nr_poisoned, vmstat_counter("thp_split_page"));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
