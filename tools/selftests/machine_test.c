// SPDX-License-Identifier: GPL-2.0
// quick: svm
// testvm:
// testvm: --cpus 4
// testvm: --cpus 16
// testvm: --cpu -la57
// testvm: --numa 2
// debug:
// debug: --cpus 4
// vmx: none it has none of these
/*
 * That the test machine is the one that was asked for, by what can be done on it:
 * the other tests have these machines to meet more CPUs, other page tables and
 * memory that is elsewhere.
 */
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define MAX_NODES	8

/* The value that tools/testvm was given for @name, from the kernel command line. */
static bool asked_for(const char *name, char *value, size_t size)
{
	char line[4096] = "", word[64];
	const char *start;
	FILE *file;

	file = fopen("/proc/cmdline", "r");
	TEST_ASSERT(file && fgets(line, sizeof(line), file),
		    "Cannot read the kernel command line");
	fclose(file);
	snprintf(word, sizeof(word), " testvm.%s=", name);
	start = strstr(line, word);
	if (!start)
		return false;
	start += strlen(word);
	snprintf(value, size, "%.*s", (int)strcspn(start, "\n "), start);
	return true;
}

FIXTURE(machine) {
	int nr_cpus;
	int nr_nodes;
	int nr_levels;
};

FIXTURE_SETUP(machine)
{
	char cpus[16], numa[16], cpu[64];

	if (!asked_for("cpus", cpus, sizeof(cpus)) ||
	    !asked_for("numa", numa, sizeof(numa)) ||
	    !asked_for("cpu", cpu, sizeof(cpu)))
		SKIP(return, "not a machine of tools/testvm");
	self->nr_cpus = atoi(cpus);
	self->nr_nodes = atoi(numa);
	self->nr_levels = strstr(cpu, "-la57") ? 4 : 5;
}

FIXTURE_TEARDOWN(machine)
{
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	TEST_ASSERT(!sched_setaffinity(0, sizeof(set), &set), "Cannot run on CPU %d", cpu);
	TEST_ASSERT_EQ(sched_getcpu(), cpu);
}

/* The node of a page that comes from where the CPU is. */
static int node_of_new_page(void)
{
	char *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int node = -1;

	TEST_ASSERT(page != MAP_FAILED, "Cannot allocate a page");
	*page = 1;
	TEST_ASSERT(!syscall(__NR_get_mempolicy, &node, NULL, 0, page,
			     MPOL_F_NODE | MPOL_F_ADDR), "get_mempolicy failed");
	munmap(page, PAGE_SIZE);
	return node;
}

TEST_F(machine, cpus_and_nodes)
{
	unsigned int cpus_of[MAX_NODES] = {}, node;
	int cpu;

	ASSERT_EQ(self->nr_cpus, sysconf(_SC_NPROCESSORS_ONLN));
	for (cpu = 0; cpu < self->nr_cpus; cpu++) {
		run_on(cpu);
		ASSERT_EQ(0, getcpu(NULL, &node));
		ASSERT_GT(self->nr_nodes, node);
		ASSERT_EQ(node, node_of_new_page());
		cpus_of[node]++;
	}
	for (node = 0; node < self->nr_nodes; node++)
		ASSERT_EQ(self->nr_cpus / self->nr_nodes, cpus_of[node]);
}

/* Above 47 bits there is memory with five levels only, for who wants it there. */
TEST_F(machine, levels_of_the_host)
{
	void *high = (void *)(1ULL << 50);
	void *page = mmap(high, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(self->nr_levels == 5, page == high);
	*(char *)page = 1;
	munmap(page, PAGE_SIZE);
}

/* As many as the host has; the root is in no count. */
TEST_F(machine, levels_of_the_guest)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = test_vm_create(1, &vcpu);
	uint64_t before;

	test_slot_add(vm, TEST_SLOT, TEST_GPA, PAGE_SIZE, VM_MEM_SRC_ANONYMOUS);
	before = vm_page_tables_kib();
	ASSERT_EQ(0, map_range(vm, MAP_BY_IOCTL, TEST_GPA, PAGE_SIZE, 0, 1, NULL));
	ASSERT_EQ((self->nr_levels - 1) * PAGE_SIZE / 1024,
		  vm_page_tables_kib() - before);
	kvm_vm_free(vm);
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY));
	return test_harness_run(argc, argv);
}
