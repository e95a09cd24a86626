// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * A job's resources are its VMM's: helpers are in the control group of the VMM,
 * are moved, frozen and throttled with it, and use its CPUs, memory and time.
 */
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/cgroup.h"
#include "lib/host_state.h"

#define TEST_SIZE	(16 * SZ_1M)
#define NR_WORKERS	4
#define NR_HELPERS	(NR_WORKERS - 1)

FIXTURE(cgroup) {
	/* The group that the VMM is in first, and the one it goes to. */
	struct cgroup old, new;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *mem;
	struct uffd_gate gate;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	pid_t helpers[NR_HELPERS];
};

FIXTURE_VARIANT(cgroup) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(cgroup, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(cgroup, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(cgroup)
{
	if (!cgroup_create(&self->old, "map-memory-old", "+cpu +cpuset +memory") ||
	    !cgroup_create(&self->new, "map-memory-new", "+cpu +cpuset +memory"))
		SKIP(return, "There are no control groups");
	cgroup_enter(&self->old, getpid());
	self->vm = test_vm_create(1, &self->vcpu);
	self->mem = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->mem);
	/* KVM makes a thread of its own for the first KVM_RUN of a VM. */
	guest_read(self->vcpu, TEST_GPA, 0);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, NR_WORKERS);
}

FIXTURE_TEARDOWN(cgroup)
{
	if (!self->vm)
		return;
	kvm_vm_free(self->vm);
	cgroup_enter(NULL, getpid());
	cgroup_destroy(&self->old);
	cgroup_destroy(&self->new);
}

/* Each of the workers stands at a page. */
static void start_job(FIXTURE_DATA(cgroup) *self, struct map_thread *thread,
		      enum map_entry entry)
{
	int i;

	map_thread_start(thread, self->vm, entry, &self->batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&self->gate);
	TEST_ASSERT_EQ(find_threads(HELPER_COMM, self->helpers, NR_HELPERS),
		       NR_HELPERS);
}

static void finish_job(FIXTURE_DATA(cgroup) *self, struct map_thread *thread)
{
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT_EQ(map_thread_join(thread), 0);
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	TEST_ASSERT_EQ(self->batch.workers_used, NR_WORKERS);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->mem), 0);
}

static bool runs_on(pid_t tid, int cpu)
{
	cpu_set_t set;

	TEST_ASSERT(!sched_getaffinity(tid, sizeof(set), &set),
		    "Thread %d has no affinity", tid);
	return CPU_COUNT(&set) == 1 && CPU_ISSET(cpu, &set);
}

TEST_F(cgroup, helpers_are_moved_with_their_vmm)
{
	struct map_thread thread;
	int i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "One CPU is too few to tell");
	if (!uffd_gate_close_off(&self->gate, self->mem, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");

	start_job(self, &thread, variant->entry);
	for (i = 0; i < NR_HELPERS; i++)
		ASSERT_TRUE(cgroup_has_thread(&self->old, self->helpers[i]));

	cgroup_set(&self->new, "cpuset.cpus", "1");
	cgroup_enter(&self->new, getpid());
	for (i = 0; i < NR_HELPERS; i++) {
		ASSERT_TRUE(cgroup_has_thread(&self->new, self->helpers[i]));
		ASSERT_TRUE(runs_on(self->helpers[i], 1));
	}

	cgroup_set(&self->new, "cpuset.cpus", "0");
	for (i = 0; i < NR_HELPERS; i++)
		ASSERT_TRUE(runs_on(self->helpers[i], 0));

	finish_job(self, &thread);
}

static uint64_t page_table_bytes(const struct cgroup *cgroup)
{
	return cgroup_get(cgroup, "memory.stat", "sec_pagetables");
}

TEST_F(cgroup, page_tables_are_charged)
{
	uint64_t kib = vm_page_tables_kib(), bytes, old_bytes;

	/* The statistics of a group can be some seconds late. */
	ASSERT_TRUE(wait_until(page_table_bytes(&self->old) == kib * 1024));
	old_bytes = page_table_bytes(&self->old);
	ASSERT_EQ(0, page_table_bytes(&self->new));

	cgroup_enter(&self->new, getpid());
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE, 0);

	/* One for 2 MiB, and one for the GiB that nothing was in. */
	bytes = (vm_page_tables_kib() - kib) * 1024;
	ASSERT_EQ((TEST_SIZE / SZ_2M + 1) * PAGE_SIZE, bytes);
	ASSERT_TRUE(wait_until(page_table_bytes(&self->new) == bytes));
	ASSERT_EQ(old_bytes, page_table_bytes(&self->old));
}

/* False if there is no such thread any more. */
static bool thread_usecs(pid_t tid, uint64_t *usecs)
{
	char path[64];
	uint64_t nsecs;
	FILE *file;
	bool there;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	there = fscanf(file, "%lu", &nsecs) == 1;
	fclose(file);
	*usecs = nsecs / 1000;
	return there;
}

/* The group may use less time than there is: it is its helpers that wait, too. */
TEST_F(cgroup, time_is_accounted_and_limited)
{
	uint64_t usecs, old_usecs, throttled, helper_usecs = 0;
	uint64_t before[NR_HELPERS], after;
	struct map_thread thread;
	int i, nr_left = 0;

	if (!uffd_gate_close_off(&self->gate, self->mem, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");

	cgroup_enter(&self->new, getpid());
	start_job(self, &thread, variant->entry);
	for (i = 0; i < NR_HELPERS; i++)
		ASSERT_TRUE(thread_usecs(self->helpers[i], &before[i]));
	usecs = cgroup_get(&self->new, "cpu.stat", "usage_usec");
	old_usecs = cgroup_get(&self->old, "cpu.stat", "usage_usec");
	throttled = cgroup_get(&self->new, "cpu.stat", "nr_throttled");

	cgroup_set(&self->new, "cpu.max", "5000 100000");
	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_thread_join(&thread));
	cgroup_set(&self->new, "cpu.max", "max");

	/* They end a second after the job, which on a busy host may be over. */
	for (i = 0; i < NR_HELPERS; i++) {
		if (!thread_usecs(self->helpers[i], &after))
			continue;
		helper_usecs += after - before[i];
		nr_left++;
	}
	usecs = cgroup_get(&self->new, "cpu.stat", "usage_usec") - usecs;
	throttled = cgroup_get(&self->new, "cpu.stat", "nr_throttled") - throttled;
	ksft_print_msg("%lu us, %lu of them of helpers, throttled %lu times\n",
		       usecs, helper_usecs, throttled);
	ASSERT_LT(0, throttled);
	ASSERT_TRUE(!nr_left || helper_usecs);
	ASSERT_LE(helper_usecs, usecs);
	ASSERT_EQ(old_usecs, cgroup_get(&self->old, "cpu.stat", "usage_usec"));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(NR_WORKERS, self->batch.workers_used);
}

/*
 * A VMM that is frozen stands still, all of its threads, whatever a job waits for;
 * thawed, it finds how far the job came and can hand in the rest.
 */
TEST_F_TIMEOUT(cgroup, freeze_and_thaw, 60)
{
	int fds[2], status;
	char word;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct map_thread thread;
		struct blocked_job job;

		cgroup_enter(&self->new, getpid());
		if (!blocked_job_create(&job, NR_WORKERS))
			_exit(KSFT_SKIP);
		map_thread_start(&thread, job.vm, variant->entry, &job.batch);
		blocked_job_wait(&job);
		TEST_ASSERT(write(fds[1], "b", 1) == 1, "The test is gone");
		TEST_ASSERT_EQ(map_thread_join(&thread), -EINTR);
		blocked_job_assert_left(&job);
		blocked_job_finish(&job, variant->entry);
		_exit(0);
	}
	close(fds[1]);
	if (read(fds[0], &word, 1) == 1) {
		cgroup_set(&self->new, "cgroup.freeze", "1");
		ASSERT_TRUE(wait_until(cgroup_get(&self->new, "cgroup.events",
						  "frozen")));
		cgroup_set(&self->new, "cgroup.freeze", "0");
	}
	ASSERT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid));
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == KSFT_SKIP)
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
