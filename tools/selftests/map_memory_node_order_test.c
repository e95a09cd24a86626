// SPDX-License-Identifier: GPL-2.0
// quick: svm
// testvm: --numa 2 --append numa_balancing=disable
/*
 * On a host with NUMA nodes a thread maps the ranges first whose memory is, or will be,
 * on the node that it runs on, in the order of the vector; then all others.  The thread
 * here is alone and stays on node 1.  A gate stops it, and shows what it did before.
 */
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define RANGE_SIZE	(4 * SZ_1M)
#define RANGE_PAGES	(RANGE_SIZE / PAGE_SIZE)
#define NR_RANGES	3
#define MAX_CPUS	64

FIXTURE(order) {
	struct kvm_vm *vm;
	struct kvm_memory_mapping mappings[NR_RANGES];
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
	struct uffd_gate gate;
	void *hva;
};

/* Threads made from now on run there as well.  False if there is no such node. */
static bool run_on_node(unsigned int node)
{
	unsigned int found;
	cpu_set_t set;
	int cpu;

	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (!sched_setaffinity(0, sizeof(set), &set) &&
		    !getcpu(NULL, &found) && found == node)
			return true;
	}
	return false;
}

FIXTURE_SETUP(order)
{
	unsigned int i;

	if (!run_on_node(1))
		SKIP(return, "The machine has no node 1");
	self->vm = test_vm_create(0, NULL);
	self->hva = test_mem_alloc(NR_RANGES * RANGE_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, NR_RANGES * RANGE_SIZE,
		      self->hva);
	for (i = 0; i < NR_RANGES; i++)
		self->mappings[i] = (struct kvm_memory_mapping) {
			.base_address = TEST_GPA + i * RANGE_SIZE,
			.size = RANGE_SIZE,
		};
	map_batch_init(&self->batch, self->mappings, NR_RANGES, 1);
}

FIXTURE_TEARDOWN(order)
{
	if (self->vm)
		kvm_vm_free(self->vm);
}

static void *range(const FIXTURE_DATA(order) *self, unsigned int i)
{
	return self->hva + i * RANGE_SIZE;
}

static void set_policy(void *hva, uint64_t size, int mode, unsigned long nodes)
{
	TEST_ASSERT(!syscall(__NR_mbind, hva, size, mode, nodes ? &nodes : NULL,
			     nodes ? 8 * sizeof(nodes) : 0, 0), "mbind failed");
}

static void bind_range(const FIXTURE_DATA(order) *self, unsigned int i, unsigned int node)
{
	set_policy(range(self, i), RANGE_SIZE, MPOL_BIND, 1UL << node);
}

/* Pages of node @node, and nothing but them says so. */
static void populate(const FIXTURE_DATA(order) *self, unsigned int i, uint64_t size,
		     unsigned int node)
{
	bind_range(self, i, node);
	memset(range(self, i), 1, size);
	set_policy(range(self, i), RANGE_SIZE, MPOL_DEFAULT, 0);
}

/* Returns how many pages are mapped when the job has come to @hva. */
static uint64_t map_up_to(FIXTURE_DATA(order) *self, void *hva, uint64_t size)
{
	if (!uffd_gate_close_off(&self->gate, hva, size))
		return -1;
	map_thread_start(&self->thread, self->vm, MAP_BY_IOCTL, &self->batch);
	TEST_ASSERT_EQ(uffd_gate_wait(&self->gate), hva);
	return vm_get_stat(self->vm, "pages_4k");
}

static void map_all_others(FIXTURE_DATA(order) *self)
{
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT_EQ(map_thread_join(&self->thread), 0);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), NR_RANGES * RANGE_PAGES);
}

TEST_F(order, by_policy)
{
	bind_range(self, 0, 0);
	bind_range(self, 1, 1);
	bind_range(self, 2, 1);
	ASSERT_EQ(2 * RANGE_PAGES, map_up_to(self, range(self, 0), RANGE_SIZE));
	map_all_others(self);
}

/* Memory whose node nobody knows comes before that of another one. */
TEST_F(order, unknown)
{
	bind_range(self, 0, 0);
	bind_range(self, 2, 1);
	ASSERT_EQ(2 * RANGE_PAGES, map_up_to(self, range(self, 0), RANGE_SIZE));
	map_all_others(self);
}

TEST_F(order, of_the_vector_in_a_node)
{
	bind_range(self, 0, 0);
	bind_range(self, 1, 1);
	bind_range(self, 2, 1);
	ASSERT_EQ(0, map_up_to(self, range(self, 1), RANGE_SIZE));
	map_all_others(self);
}

/* The first page of range 0 tells where that is, and is mapped with it. */
TEST_F(order, by_the_pages_that_are_there)
{
	populate(self, 0, PAGE_SIZE, 0);
	populate(self, 1, RANGE_SIZE, 1);
	populate(self, 2, RANGE_SIZE, 1);
	ASSERT_EQ(2 * RANGE_PAGES + 1,
		  map_up_to(self, range(self, 0) + PAGE_SIZE, RANGE_SIZE - PAGE_SIZE));
	map_all_others(self);
}

/* Policies that name several nodes tell nothing. */
TEST_F(order, policies_of_several_nodes)
{
	set_policy(range(self, 0), RANGE_SIZE, MPOL_INTERLEAVE, 3);
	set_policy(range(self, 1), RANGE_SIZE, MPOL_BIND, 3);
	bind_range(self, 2, 0);
	ASSERT_EQ(2 * RANGE_PAGES, map_up_to(self, range(self, 2), RANGE_SIZE));
	map_all_others(self);
}

/* A failure ends its range, whatever comes later or on another node. */
TEST_F(order, failure)
{
	bind_range(self, 0, 0);
	bind_range(self, 1, 1);
	bind_range(self, 2, 0);
	ASSERT_EQ(0, mprotect(range(self, 0) + RANGE_SIZE / 2, PAGE_SIZE, PROT_NONE));
	ASSERT_EQ(-EFAULT, map_batch(self->vm, MAP_BY_IOCTL, &self->batch));
	ASSERT_EQ(0, self->batch.first_undone);
	ASSERT_EQ(TEST_GPA + RANGE_SIZE / 2, self->mappings[0].base_address);
	ASSERT_EQ(RANGE_SIZE / 2, self->mappings[0].size);
	ASSERT_EQ(0, self->mappings[1].size);
	ASSERT_EQ(0, self->mappings[2].size);
	ASSERT_EQ(2 * RANGE_PAGES + RANGE_PAGES / 2,
		  vm_get_stat(self->vm, "pages_4k"));
}

/* Range 0 was not begun; of range 1, which waits, nothing is done. */
TEST_F(order, cancelled)
{
	int fd;

	bind_range(self, 0, 0);
	bind_range(self, 1, 1);
	bind_range(self, 2, 1);
	ASSERT_EQ(0, map_up_to(self, range(self, 1), RANGE_SIZE));
	fd = dup(self->vm->fd);
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(-ECANCELED, map_thread_join(&self->thread));
	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, self->batch.first_undone);
	ASSERT_EQ(0, self->batch.bytes_mapped);
	ASSERT_EQ(RANGE_SIZE, self->mappings[0].size);
	ASSERT_EQ(RANGE_SIZE, self->mappings[1].size);
	ASSERT_EQ(RANGE_SIZE, self->mappings[2].size);
}

/* Threads of both nodes do all of it, once. */
TEST_F(order, several_workers)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	bind_range(self, 0, 0);
	bind_range(self, 1, 1);
	self->batch.nr_workers = 4;
	ASSERT_EQ(0, map_batch(self->vm, MAP_BY_IOCTL, &self->batch));
	assert_batch_done(&self->batch, NR_RANGES * RANGE_SIZE, 0);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
