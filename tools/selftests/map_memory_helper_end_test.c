// SPDX-License-Identifier: GPL-2.0
// quick: svm debug 7.3
/*
 * Helper threads end with their job: when the call has returned, or the CQE is
 * there, the process has no thread that it did not make.  They stay if that was
 * asked for, and can be ended by a call.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(32 * SZ_1M)
#define NR_WORKERS	4
#define NR_HELPERS	(NR_WORKERS - 1)

FIXTURE(helper_end) {
	struct kvm_vm *vm;
	void *hva;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct uffd_gate gate;
};

FIXTURE_VARIANT(helper_end) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(helper_end, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(helper_end, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(helper_end)
{
	self->vm = test_vm_create(0, NULL);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(helper_end)
{
	kvm_vm_free(self->vm);
}

static void prepare_batch(FIXTURE_DATA(helper_end) *self, uint64_t flags)
{
	TEST_ASSERT(!madvise(self->hva, TEST_SIZE, MADV_DONTNEED), "madvise failed");
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, NR_WORKERS);
	self->batch.flags = flags;
}

/* All workers at work; then the ids of the helpers.  False without userfaultfd. */
static bool run_job(FIXTURE_DATA(helper_end) *self, enum map_entry entry,
		    uint64_t flags, pid_t *helpers)
{
	struct map_thread thread;
	int i;

	prepare_batch(self, flags);
	if (!uffd_gate_close_off(&self->gate, self->hva, TEST_SIZE))
		return false;
	map_thread_start(&thread, self->vm, entry, &self->batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&self->gate);
	TEST_ASSERT_EQ(find_threads(HELPER_COMM, helpers, NR_HELPERS), NR_HELPERS);
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT_EQ(map_thread_join(&thread), 0);
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	TEST_ASSERT_EQ(self->batch.workers_used, NR_WORKERS);
	return true;
}

TEST_F(helper_end, none_is_left_by_a_job)
{
	pid_t helpers[NR_HELPERS];

	if (!run_job(self, variant->entry, 0, helpers))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, count_threads(HELPER_COMM));
}

/* Jobs that are over before their helpers have begun. */
TEST_F(helper_end, none_is_left_by_short_jobs)
{
	int i;

	prepare_batch(self, 0);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	for (i = 0; i < 50; i++) {
		self->mapping.base_address = TEST_GPA;
		self->mapping.size = TEST_SIZE;
		ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
		assert_batch_done(&self->batch, 0, TEST_SIZE);
		ASSERT_EQ(0, count_threads(HELPER_COMM));
	}
}

static bool same_threads(const pid_t *a, const pid_t *b)
{
	int i, j;

	for (i = 0; i < NR_HELPERS; i++) {
		for (j = 0; j < NR_HELPERS && a[i] != b[j]; j++)
			;
		if (j == NR_HELPERS)
			return false;
	}
	return true;
}

TEST_F(helper_end, kept_until_they_are_ended)
{
	pid_t helpers[NR_HELPERS], again[NR_HELPERS];

	/* Again, if their time was over before this thread had a look. */
	do {
		if (!run_job(self, variant->entry, KVM_MAP_MEMORY_KEEP_HELPERS, helpers))
			SKIP(return, "userfaultfd is not permitted");
	} while (find_threads(HELPER_COMM, again, NR_HELPERS) != NR_HELPERS);
	ASSERT_TRUE(same_threads(helpers, again));

	ASSERT_EQ(0, __vm_ioctl(self->vm, KVM_MAP_MEMORY_END_HELPERS, NULL));
	ASSERT_EQ(0, count_threads(HELPER_COMM));
	/* There is nothing left to end. */
	ASSERT_EQ(0, __vm_ioctl(self->vm, KVM_MAP_MEMORY_END_HELPERS, NULL));
}

TEST_F(helper_end, kept_for_a_time)
{
	pid_t helpers[NR_HELPERS];

	if (!run_job(self, variant->entry, KVM_MAP_MEMORY_KEEP_HELPERS, helpers))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_TRUE(wait_until(!count_threads(HELPER_COMM)));
}

/* The next job of the process has the threads, and ends them. */
TEST_F(helper_end, kept_ones_serve_the_next_job)
{
	pid_t helpers[NR_HELPERS], next[NR_HELPERS];

	/* Again, if their time was over before the next job began. */
	do {
		if (!run_job(self, variant->entry, KVM_MAP_MEMORY_KEEP_HELPERS, helpers))
			SKIP(return, "userfaultfd is not permitted");
		ASSERT_TRUE(run_job(self, variant->entry, 0, next));
		ASSERT_EQ(0, count_threads(HELPER_COMM));
	} while (!same_threads(helpers, next));
}

TEST_F(helper_end, kept_ones_go_with_their_vm)
{
	pid_t helpers[NR_HELPERS];

	if (!run_job(self, variant->entry, KVM_MAP_MEMORY_KEEP_HELPERS, helpers))
		SKIP(return, "userfaultfd is not permitted");
	kvm_vm_free(self->vm);
	ASSERT_TRUE(wait_until(!count_threads(HELPER_COMM)));
	ASSERT_TRUE(wait_until(count_vms(getpid()) <= 0));
	self->vm = test_vm_create(0, NULL);
}

/* In a child of its own, as a VM is of the process that makes it. */
static void expect_to_be_alone(void)
{
	struct kvm_map_memory_batch batch;
	struct kvm_vm *vm = test_vm_create(0, NULL);

	test_slot_add(vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	if (map_range(vm, MAP_BY_IOCTL, TEST_GPA, TEST_SIZE, 0, NR_WORKERS, &batch))
		_exit(1);
	/* As what leaves a user namespace, say: refused where there is another thread. */
	_exit(unshare(CLONE_VM) ? 2 : 0);
}

TEST(process_has_one_thread)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		expect_to_be_alone();
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

/* A child that shares the memory has helpers of its own, which end with it. */
static int submit_and_exit(void *data)
{
	FIXTURE_DATA(helper_end) *self = data;

	_exit(ioctl(self->vm->fd, KVM_MAP_MEMORY_BATCH, &self->batch) ? 1 : 0);
}

TEST_F(helper_end, those_of_a_dead_child_do_not_count)
{
	char *stack = test_mem_alloc(SZ_1M);
	pid_t helpers[NR_HELPERS];
	int status;
	pid_t pid;

	prepare_batch(self, KVM_MAP_MEMORY_KEEP_HELPERS);
	pid = clone(submit_and_exit, stack + SZ_1M, CLONE_VM | SIGCHLD, self);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);

	if (!run_job(self, variant->entry, 0, helpers))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, count_threads(HELPER_COMM));
}

/*
 * A thread ends by a signal to itself.  Where the process ignores all of them, it
 * ends when it can.
 */
TEST_F(helper_end, signals_that_are_ignored)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old[_NSIG];
	int signal;

	for (signal = 1; signal < _NSIG; signal++) {
		if (sigaction(signal, NULL, &old[signal]) ||
		    sigaction(signal, &ignore, NULL))
			old[signal].sa_handler = SIG_ERR;
	}
	prepare_batch(self, 0);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE, 0);

	for (signal = 1; signal < _NSIG; signal++) {
		if (old[signal].sa_handler != SIG_ERR)
			sigaction(signal, &old[signal], NULL);
	}
	ASSERT_TRUE(wait_until(!count_threads(HELPER_COMM)));
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS);
	return test_harness_run(argc, argv);
}
