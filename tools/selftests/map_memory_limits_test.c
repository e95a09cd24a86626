// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Helper threads are threads of the VMM: its limits and its affinity hold for
 * them, and when there is nothing to do they go away.
 */
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "kvm_test_harness.h"

#include "lib/cgroup.h"
#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(32 * SZ_1M)
#define UNPRIVILEGED	65534

FIXTURE(limits) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_map_memory_batch batch;
	void *hva;
};

FIXTURE_VARIANT(limits) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(limits, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(limits, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(limits)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(limits)
{
	kvm_vm_free(self->vm);
}

/* KVM makes a thread of its own for the first KVM_RUN of a VM. */
static void run_guest_once(FIXTURE_DATA(limits) *self)
{
	guest_read(self->vcpu, TEST_GPA, 0);
}

static void expect_job_without_helpers(FIXTURE_DATA(limits) *self,
				       enum map_entry entry)
{
	TEST_ASSERT_EQ(map_range(self->vm, entry, TEST_GPA, TEST_SIZE, 0, 8,
				 &self->batch), 0);
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	TEST_ASSERT_EQ(self->batch.workers_used, 1);
	TEST_ASSERT_EQ(count_threads(HELPER_COMM), 0);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE,
					self->hva), 0);
}

TEST_F(limits, rlimit_nproc)
{
	/* This process, and the io-wq thread that does the work of a command. */
	rlim_t threads = variant->entry == MAP_BY_URING ? 2 : 1;
	struct rlimit limit = { .rlim_cur = threads, .rlim_max = threads };

	if (geteuid())
		SKIP(return, "root is needed to become somebody else");

	run_guest_once(self);
	/* The limit does not hold for root, who this has to become again. */
	ASSERT_EQ(0, setresuid(UNPRIVILEGED, UNPRIVILEGED, 0));
	/* Reading /proc/self is for dumpable processes. */
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &limit));
	expect_job_without_helpers(self, variant->entry);
	ASSERT_EQ(0, setresuid(-1, 0, -1));
}

TEST_F(limits, pids_cgroup)
{
	struct cgroup cgroup;
	char threads[16];

	run_guest_once(self);
	if (!cgroup_create(&cgroup, "map-memory-limits", "+pids"))
		SKIP(return, "There is no pids controller");
	/* As many as there are, one more for io-wq, and none for helpers. */
	snprintf(threads, sizeof(threads), "%d",
		 count_threads("") + (variant->entry == MAP_BY_URING));
	cgroup_set(&cgroup, "pids.max", threads);
	cgroup_enter(&cgroup, getpid());
	expect_job_without_helpers(self, variant->entry);
	cgroup_enter(NULL, getpid());
	/* The io-wq thread has to be gone, or in the parent, to remove it. */
	cgroup_destroy(&cgroup);
}

static void pin_to_cpus(int nr)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < nr; cpu++)
		CPU_SET(cpu, &set);
	TEST_ASSERT(!sched_setaffinity(0, sizeof(set), &set),
		    "Cannot pin this thread");
}

/* nr_workers 0: as many as the submitter has CPUs, the submitter included. */
TEST_F(limits, default_is_the_affinity_of_the_caller)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), nr, i;
	struct kvm_memory_mapping mapping;
	struct map_thread thread;
	struct uffd_gate gate;

	if (cpus < 2)
		SKIP(return, "One CPU is too few to tell");

	for (nr = 1; nr <= min(cpus, 4); nr++) {
		/* No helper of the round before may be left. */
		ASSERT_TRUE(wait_until(!count_threads(HELPER_COMM)));
		ASSERT_EQ(0, madvise(self->hva, TEST_SIZE, MADV_DONTNEED));
		if (!uffd_gate_close_off(&gate, self->hva, TEST_SIZE))
			SKIP(return, "userfaultfd is not permitted");
		pin_to_cpus(nr);
		mapping.base_address = TEST_GPA;
		mapping.size = TEST_SIZE;
		mapping.flags = 0;
		map_batch_init(&self->batch, &mapping, 1, 0);
		map_thread_start(&thread, self->vm, variant->entry, &self->batch);
		for (i = 0; i < nr; i++)
			uffd_gate_wait(&gate);
		ASSERT_EQ(nr - 1, count_threads(HELPER_COMM));
		uffd_gate_destroy(&gate);
		ASSERT_EQ(0, map_thread_join(&thread));
		ASSERT_EQ(nr, self->batch.workers_used);
	}
}

TEST_F(limits, helpers_go_away)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	struct map_thread thread;
	struct uffd_gate gate;
	uint64_t end;
	int i;

	if (!uffd_gate_close_off(&gate, self->hva, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");
	map_batch_init(&self->batch, &mapping, 1, 4);
	map_thread_start(&thread, self->vm, variant->entry, &self->batch);
	for (i = 0; i < 4; i++)
		uffd_gate_wait(&gate);
	ASSERT_EQ(3, count_threads(HELPER_COMM));
	uffd_gate_destroy(&gate);
	ASSERT_EQ(0, map_thread_join(&thread));
	end = now_ms();
	ASSERT_TRUE(wait_until(!count_threads(HELPER_COMM)));
	ASSERT_GT(PROMPT_MS, now_ms() - end);

	/* And come back for the next job. */
	ASSERT_EQ(0, madvise(self->hva, TEST_SIZE, MADV_DONTNEED));
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, 0,
			       4, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
