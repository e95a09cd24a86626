// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * A batch in the background: under which policy its threads run, and that those of
 * the VMM are as before afterwards.
 */
#include <sched.h>
#include <sys/resource.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(32 * SZ_1M)
#define NR_WORKERS	4
#define NR_HELPERS	(NR_WORKERS - 1)

FIXTURE(background) {
	struct kvm_vm *vm;
	void *hva;
	struct uffd_gate gate;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
	pid_t helpers[NR_HELPERS];
};

FIXTURE_VARIANT(background) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(background, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(background, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(background)
{
	self->vm = test_vm_create(0, NULL);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(background)
{
	kvm_vm_free(self->vm);
}

/* All workers stand at the gate.  False without userfaultfd. */
static bool start(FIXTURE_DATA(background) *self, enum map_entry entry, uint64_t flags)
{
	int i;

	TEST_ASSERT(!madvise(self->hva, TEST_SIZE, MADV_DONTNEED), "madvise failed");
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, NR_WORKERS);
	self->batch.flags = flags;
	if (!uffd_gate_close_off(&self->gate, self->hva, TEST_SIZE))
		return false;

	map_thread_start(&self->thread, self->vm, entry, &self->batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&self->gate);
	TEST_ASSERT_EQ(find_threads(HELPER_COMM, self->helpers, NR_HELPERS), NR_HELPERS);
	return true;
}

static void finish(FIXTURE_DATA(background) *self)
{
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT_EQ(map_thread_join(&self->thread), 0);
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	TEST_ASSERT_EQ(self->batch.workers_used, NR_WORKERS);
}

static void expect_policy(FIXTURE_DATA(background) *self, int policy)
{
	int i;

	for (i = 0; i < NR_HELPERS; i++)
		TEST_ASSERT_EQ(sched_getscheduler(self->helpers[i]), policy);
}

TEST_F(background, helpers)
{
	if (!start(self, variant->entry, KVM_MAP_MEMORY_BACKGROUND))
		SKIP(return, "userfaultfd is not permitted");
	expect_policy(self, SCHED_IDLE);
	finish(self);

	ASSERT_TRUE(start(self, variant->entry, 0));
	expect_policy(self, SCHED_OTHER);
	finish(self);
}

TEST_F(background, owner)
{
	const char *owner = variant->entry == MAP_BY_URING ? "iou-wrk" : NULL;
	pid_t tid = gettid();

	if (!start(self, variant->entry, KVM_MAP_MEMORY_BACKGROUND))
		SKIP(return, "userfaultfd is not permitted");
	if (owner) {
		ASSERT_EQ(1, find_threads(owner, &tid, 1));
		ASSERT_EQ(SCHED_IDLE, sched_getscheduler(tid));
	}
	finish(self);
	ASSERT_EQ(SCHED_OTHER, sched_getscheduler(gettid()));
}

/* What a thread that calls was, it is afterwards. */
struct caller {
	FIXTURE_DATA(background) *self;
	int policy;
	int nice;
	int priority;
	pid_t tid;
	int result;
	int policy_after;
	int nice_after;
};

static void *caller_main(void *data)
{
	struct sched_param param = {};
	struct caller *caller = data;

	param.sched_priority = caller->priority;
	TEST_ASSERT(!setpriority(PRIO_PROCESS, gettid(), caller->nice) &&
		    !sched_setscheduler(0, caller->policy, &param),
		    "The policy cannot be set");
	WRITE_ONCE(caller->tid, gettid());
	caller->result = map_batch(caller->self->vm, MAP_BY_IOCTL, &caller->self->batch);
	caller->policy_after = sched_getscheduler(0);
	caller->nice_after = getpriority(PRIO_PROCESS, gettid());
	return NULL;
}

static void check_caller(FIXTURE_DATA(background) *self, struct caller *caller,
			 int policy_meanwhile)
{
	pthread_t thread;

	TEST_ASSERT(!madvise(self->hva, TEST_SIZE, MADV_DONTNEED), "madvise failed");
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, 1);
	self->batch.flags = KVM_MAP_MEMORY_BACKGROUND;
	caller->self = self;
	TEST_ASSERT(!pthread_create(&thread, NULL, caller_main, caller), "No thread");
	uffd_gate_wait(&self->gate);
	TEST_ASSERT_EQ(sched_getscheduler(caller->tid), policy_meanwhile);
	uffd_gate_destroy(&self->gate);
	TEST_ASSERT(!pthread_join(thread, NULL), "No thread");
	TEST_ASSERT_EQ(caller->result, 0);
	TEST_ASSERT_EQ(caller->policy_after, caller->policy);
	TEST_ASSERT_EQ(caller->nice_after, caller->nice);
}

TEST_F(background, caller_is_as_before)
{
	static const struct caller callers[] = {
		{ .policy = SCHED_OTHER, .nice = 5 },
		{ .policy = SCHED_BATCH, .nice = 3 },
		{ .policy = SCHED_IDLE, .nice = 2 },
		{ .policy = SCHED_FIFO, .nice = 1, .priority = 1 },
	};
	unsigned int i;

	if (variant->entry == MAP_BY_URING)
		SKIP(return, "For threads that call themselves");
	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		struct caller caller = callers[i];

		if (!uffd_gate_close_off(&self->gate, self->hva, TEST_SIZE))
			SKIP(return, "userfaultfd is not permitted");
		check_caller(self, &caller, caller.policy == SCHED_FIFO ?
			     SCHED_FIFO : SCHED_IDLE);
	}
}

/* Helpers that are kept go to jobs of their kind alone. */
TEST_F(background, kept_helpers)
{
	const uint64_t keep = KVM_MAP_MEMORY_KEEP_HELPERS;
	pid_t kept[NR_HELPERS], all[2 * NR_HELPERS];
	int i, j;

	if (!start(self, variant->entry, keep | KVM_MAP_MEMORY_BACKGROUND))
		SKIP(return, "userfaultfd is not permitted");
	memcpy(kept, self->helpers, sizeof(kept));
	finish(self);

	TEST_ASSERT(!madvise(self->hva, TEST_SIZE, MADV_DONTNEED), "madvise failed");
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, NR_WORKERS);
	ASSERT_TRUE(uffd_gate_close_off(&self->gate, self->hva, TEST_SIZE));
	map_thread_start(&self->thread, self->vm, variant->entry, &self->batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&self->gate);
	/* On a slow host the kept ones may have ended since. */
	for (i = find_threads(HELPER_COMM, all, 2 * NR_HELPERS) - 1; i >= 0; i--) {
		bool was_kept = false;

		for (j = 0; j < NR_HELPERS; j++)
			was_kept |= all[i] == kept[j];
		if (!was_kept)
			ASSERT_EQ(SCHED_OTHER, sched_getscheduler(all[i]));
	}
	finish(self);
	ASSERT_EQ(0, __vm_ioctl(self->vm, KVM_MAP_MEMORY_END_HELPERS, NULL));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
