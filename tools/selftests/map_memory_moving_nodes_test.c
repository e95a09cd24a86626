// SPDX-License-Identifier: GPL-2.0
// testvm: --numa 2
// test-timeout: 400
/*
 * Jobs over memory that moves from one NUMA node to the other under them, by the
 * VMM's will and by the scheduler's.
 */
#include <sched.h>
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
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

#define BALANCING	"/sys/kernel/debug/sched/numa_balancing/"

/* Use the memory from the other node until the scheduler looks where it is. */
static void balance(struct moving_memory *mem, unsigned int nr)
{
	uint64_t updates = vmstat_counter("numa_pte_updates");
	uint64_t end = now_ms() + DEADLINE_MS;
	cpu_set_t cpus;
	int i;

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

TEST_F_TIMEOUT(nodes, balanced, 240)
{
	uint64_t before;

	if (!file_write("/proc/sys/kernel/numa_balancing", "1") ||
	    !file_write(BALANCING "scan_delay_ms", "1") ||
	    !file_write(BALANCING "scan_period_min_ms", "10") ||
	    !file_write(BALANCING "scan_period_max_ms", "20"))
		SKIP(return, "No balancing between nodes");
	before = vmstat_counter("numa_hint_faults");
	moving_memory_race(&self->mem, VCPUS_THROUGH, balance);
	ASSERT_LT(before, vmstat_counter("numa_hint_faults"));
	ASSERT_TRUE(file_write("/proc/sys/kernel/numa_balancing", "0"));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_BATCH);
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_URING);
	return test_harness_run(argc, argv);
}
