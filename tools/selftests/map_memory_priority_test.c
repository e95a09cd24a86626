// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Helper threads have the scheduling policy, the niceness and the CPUs of the thread
 * that calls: a VMM of low priority has no helpers of a higher one.
 */
#include <sched.h>
#include <sys/resource.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(16 * SZ_1M)
#define NR_WORKERS	4
#define NR_HELPERS	(NR_WORKERS - 1)

FIXTURE(priority) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *mem;
};

FIXTURE_VARIANT(priority) {
	enum map_entry entry;
	int policy;
	int nice;
};

#define PRIORITY_VARIANT(name, how, what, value)			\
FIXTURE_VARIANT_ADD(priority, name) {					\
	.entry = how, .policy = what, .nice = value,			\
}

PRIORITY_VARIANT(ioctl_nice, MAP_BY_IOCTL, SCHED_OTHER, 7);
PRIORITY_VARIANT(ioctl_batch, MAP_BY_IOCTL, SCHED_BATCH, 0);
PRIORITY_VARIANT(ioctl_idle, MAP_BY_IOCTL, SCHED_IDLE, 19);
PRIORITY_VARIANT(uring_nice, MAP_BY_URING, SCHED_OTHER, 7);
PRIORITY_VARIANT(uring_batch, MAP_BY_URING, SCHED_BATCH, 0);
PRIORITY_VARIANT(uring_idle, MAP_BY_URING, SCHED_IDLE, 19);

FIXTURE_SETUP(priority)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->mem = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->mem);
}

FIXTURE_TEARDOWN(priority)
{
	kvm_vm_free(self->vm);
}

/* For this thread and those that it makes. */
static void lower_priority(const FIXTURE_VARIANT(priority) *variant)
{
	struct sched_param param = {};
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	TEST_ASSERT(!sched_setaffinity(0, sizeof(cpus), &cpus) &&
		    !sched_setscheduler(0, variant->policy, &param) &&
		    !setpriority(PRIO_PROCESS, 0, variant->nice),
		    "Cannot lower the priority");
}

TEST_F(priority, is_that_of_the_caller)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	struct kvm_map_memory_batch batch;
	pid_t helpers[NR_HELPERS];
	struct map_thread thread;
	struct uffd_gate gate;
	cpu_set_t cpus;
	int i;

	if (!uffd_gate_close_off(&gate, self->mem, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");

	lower_priority(variant);
	map_batch_init(&batch, &mapping, 1, NR_WORKERS);
	map_thread_start(&thread, self->vm, variant->entry, &batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&gate);

	ASSERT_EQ(NR_HELPERS, find_threads(HELPER_COMM, helpers, NR_HELPERS));
	for (i = 0; i < NR_HELPERS; i++) {
		ASSERT_EQ(variant->policy, sched_getscheduler(helpers[i]));
		ASSERT_EQ(variant->nice, getpriority(PRIO_PROCESS, helpers[i]));
		ASSERT_EQ(0, sched_getaffinity(helpers[i], sizeof(cpus), &cpus));
		ASSERT_EQ(1, CPU_COUNT(&cpus));
		ASSERT_TRUE(CPU_ISSET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus));
	}

	uffd_gate_destroy(&gate);
	ASSERT_EQ(0, map_thread_join(&thread));
	assert_batch_done(&batch, TEST_SIZE, 0);
	ASSERT_EQ(NR_WORKERS, batch.workers_used);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->mem));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
