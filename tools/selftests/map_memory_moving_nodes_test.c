// SPDX-License-Identifier: GPL-2.0
// quick: svm
// testvm: --numa 2 --append numa_balancing=disable
/*
 * Jobs over memory that moves from one NUMA node to the other under them, by the
 * VMM's will and by the scheduler's.
 */
#include <sched.h>
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/hugetlb_pool.h"
#include "lib/moving_memory.h"

FIXTURE(nodes) {
	struct moving_memory mem;
};

/* Between the pages' places in the guest's and in the host's tables. */
FIXTURE_VARIANT(nodes) {
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(nodes, in_step) { .skew = 0 };
FIXTURE_VARIANT_ADD(nodes, skewed) { .skew = 201 };

FIXTURE_SETUP(nodes)
{
	uint64_t size = MOVING_PAGES * PAGE_SIZE + SZ_2M;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "One node only");
	moving_memory_create(&self->mem,
			     test_mem_alloc(size) + variant->skew * PAGE_SIZE,
			     MOVING_PAGES, MOVING_FIRST, MOVING_NR);
}

FIXTURE_TEARDOWN(nodes)
{
	moving_memory_destroy(&self->mem);
}

static void migrate(struct moving_memory *mem, unsigned int nr)
{
	static void *pages[MOVING_NR];
	static int nodes[MOVING_NR], status[MOVING_NR];
	int i;

	for (i = 0; i < MOVING_NR; i++) {
		pages[i] = moving_page(mem, i);
		nodes[i] = (i / 7 + nr) & 1;
	}
	/* Pages that are not there, or in use just now, stay. */
	TEST_ASSERT(syscall(SYS_move_pages, 0, MOVING_NR, pages, nodes, status,
			    1 << 1 /* MPOL_MF_MOVE */) >= 0, "move_pages failed");
}

TEST_F_TIMEOUT(nodes, migrated, 120)
{
	uint64_t before = vmstat_counter("pgmigrate_success");

	moving_memory_race(&self->mem, VCPUS_THROUGH, migrate);
	ASSERT_LT(before + MOVING_NR, vmstat_counter("pgmigrate_success"));
}

/* The node of each huge page that changes; it is read, or set by @nodes. */
static void move_huge_pages(struct moving_memory *mem, const int *nodes, int *status)
{
	void *pages[MOVING_HUGE];
	int i;

	for (i = 0; i < MOVING_HUGE; i++)
		pages[i] = moving_page(mem, i * PAGES_PER_HUGE);
	TEST_ASSERT(syscall(SYS_move_pages, 0, MOVING_HUGE, pages, nodes, status,
			    nodes ? 1 << 1 /* MPOL_MF_MOVE */ : 0) >= 0,
		    "move_pages failed");
}

static bool have_moved(struct moving_memory *mem, const int *nodes)
{
	int status[MOVING_HUGE];

	move_huge_pages(mem, nodes, status);
	move_huge_pages(mem, NULL, status);
	return !memcmp(status, nodes, sizeof(status));
}

static void migrate_huge(struct moving_memory *mem, unsigned int nr)
{
	int nodes[MOVING_HUGE], i;

	for (i = 0; i < MOVING_HUGE; i++)
		nodes[i] = (i + nr) & 1;
	/* A page in use just now stays, and has to be asked for again. */
	TEST_ASSERT(wait_until(have_moved(mem, nodes)), "Huge pages do not move");
}

/* Nothing moves: what is huge for the host is so for the guest. */
static void expect_huge_pages(struct moving_memory *mem)
{
	bool in_step = mem->first_moving == PAGES_PER_HUGE;
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	TEST_ASSERT_EQ(vm_get_stat(mem->vm, "pages_2m"),
		       in_step ? MOVING_HUGE_PAGES / PAGES_PER_HUGE : 0);
}

static void race_with_huge(struct moving_memory *mem, void *hva, uint64_t skew)
{
	/* The fixture's is of small pages. */
	moving_memory_destroy(mem);
	moving_memory_create_huge(mem, hva, skew);
	mem->settle = expect_huge_pages;
	moving_memory_race(mem, VCPUS_THROUGH, migrate_huge);
}

TEST_F_TIMEOUT(nodes, migrated_thp, 120)
{
	void *hva = test_mem_alloc(MOVING_HUGE_SIZE);

	madvise(hva, MOVING_HUGE_SIZE, MADV_HUGEPAGE);
	memset(hva, 1, MOVING_HUGE_SIZE);
	if (thp_bytes(hva, MOVING_HUGE_SIZE) != MOVING_HUGE_SIZE)
		SKIP(return, "No transparent huge pages to be had");
	race_with_huge(&self->mem, hva, variant->skew);
}

TEST_F_TIMEOUT(nodes, migrated_hugetlb, 120)
{
	uint64_t kib = SZ_2M / 1024, nr = MOVING_HUGE_SIZE / SZ_2M, pool_old;
	void *hva = test_mem_alloc(MOVING_HUGE_SIZE);

	/* Both nodes have a half of it: room for all. */
	if (!hugetlb_pool_grow(kib, 4 * nr, &pool_old))
		SKIP(return, "No free hugetlb pages");
	ASSERT_EQ(hva, mmap(hva, MOVING_HUGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED,
			    -1, 0));
	memset(hva, 1, MOVING_HUGE_SIZE);
	race_with_huge(&self->mem, hva, variant->skew);
	munmap(hva, MOVING_HUGE_SIZE);
	hugetlb_pool_restore(kib, pool_old);
}

#define BALANCING	"/sys/kernel/debug/sched/numa_balancing/"

static bool set_balancing(bool on)
{
	return file_write("/proc/sys/kernel/numa_balancing", on ? "1" : "0");
}

/* Use the memory from the other node until the scheduler looks where it is. */
static void balance(struct moving_memory *mem, unsigned int nr)
{
	uint64_t updates = vmstat_counter("numa_pte_updates");
	uint64_t end = now_ms() + DEADLINE_MS;
	cpu_set_t cpus;
	int i;

	TEST_ASSERT(set_balancing(true), "Balancing cannot be turned on");
	CPU_ZERO(&cpus);
	CPU_SET(nr & 1, &cpus);
	TEST_ASSERT(!sched_setaffinity(0, sizeof(cpus), &cpus), "No CPU");
	while (vmstat_counter("numa_pte_updates") < updates + MOVING_NR / 2 &&
	       now_ms() < end)
		for (i = 0; i < MOVING_NR; i++)
			*(volatile uint64_t *)moving_page(mem, i) = i;
	TEST_ASSERT(vmstat_counter("numa_pte_updates") > updates,
		    "Nothing is balanced");
}

/* It would take pages from the guest while their faults are counted. */
static void stop_balancing(struct moving_memory *mem)
{
	TEST_ASSERT(set_balancing(false), "Balancing cannot be turned off");
}

TEST_F_TIMEOUT(nodes, balanced, 240)
{
	uint64_t before;

	if (!set_balancing(false) ||
	    !file_write(BALANCING "scan_delay_ms", "1") ||
	    !file_write(BALANCING "scan_period_min_ms", "10") ||
	    !file_write(BALANCING "scan_period_max_ms", "20"))
		SKIP(return, "No balancing between nodes");
	before = vmstat_counter("numa_hint_faults");
	self->mem.settle = stop_balancing;
	moving_memory_race(&self->mem, VCPUS_THROUGH, balance);
	ASSERT_LT(before, vmstat_counter("numa_hint_faults"));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
