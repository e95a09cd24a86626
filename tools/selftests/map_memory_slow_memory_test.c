// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Memory that comes slowly, as the VMM's control group is over memory.high: a signal
 * or a cancellation ends the job before much more of it has come.
 */
#include <signal.h>
#include <sys/mman.h>

#include "kvm_test_harness.h"

#include "lib/cgroup.h"
#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(64 * SZ_1M)
/* Pages that the owner faults in before it looks again, at most. */
#define SLICE		128

FIXTURE(slow_memory) {
	struct cgroup cgroup;
	struct kvm_vm *vm;
	void *mem;
	struct io_uring ring;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
};

FIXTURE_VARIANT(slow_memory) {
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(slow_memory, of_1_worker) { .workers = 1 };
FIXTURE_VARIANT_ADD(slow_memory, of_4_workers) { .workers = 4 };

FIXTURE_SETUP(slow_memory)
{
	if (!cgroup_create(&self->cgroup, "map-memory-slow", "+memory"))
		SKIP(return, "There are no control groups");
	cgroup_enter(&self->cgroup, getpid());
	self->vm = test_vm_create(0, NULL);
	self->mem = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->mem);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, variant->workers);
	cgroup_set(&self->cgroup, "memory.high", "8M");
}

FIXTURE_TEARDOWN(slow_memory)
{
	if (!self->vm)
		return;
	cgroup_set(&self->cgroup, "memory.high", "max");
	kvm_vm_free(self->vm);
	cgroup_enter(NULL, getpid());
	cgroup_destroy(&self->cgroup);
}

static uint64_t resident_pages(FIXTURE_DATA(slow_memory) *self)
{
	static unsigned char pages[TEST_SIZE / PAGE_SIZE];
	uint64_t i, nr = 0;

	TEST_ASSERT(!mincore(self->mem, TEST_SIZE, pages), "mincore failed");
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		nr += pages[i] & 1;
	return nr;
}

/* Pages above the limit come one by one, with waiting in between. */
static void wait_until_slow(FIXTURE_DATA(slow_memory) *self)
{
	TEST_ASSERT(wait_until(resident_pages(self) > 8 * SZ_1M / PAGE_SIZE),
		    "No memory comes");
}

/*
 * @seen were there after the job had been told to end.  The owner takes part in no
 * other slice; while it waits for its last one, other workers may.
 */
static void expect_few_since(FIXTURE_DATA(slow_memory) *self, uint64_t seen)
{
	uint64_t pages = resident_pages(self);

	TEST_ASSERT(self->batch.nr_workers > 1 || pages - seen <= SLICE,
		    "%lu pages came after the job should have ended", pages - seen);
	TEST_ASSERT(self->mapping.size, "The job is done");
}

static void do_nothing(int signal)
{
}

TEST_F(slow_memory, signal)
{
	struct sigaction action = { .sa_handler = do_nothing };
	struct map_thread thread;
	uint64_t seen;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	map_thread_start(&thread, self->vm, MAP_BY_IOCTL, &self->batch);
	wait_until_slow(self);
	ASSERT_EQ(0, pthread_kill(thread.thread, SIGUSR1));
	seen = resident_pages(self);
	ASSERT_EQ(-EINTR, map_thread_join(&thread));
	expect_few_since(self, seen);
}

TEST_F(slow_memory, cancellation)
{
	struct io_uring_sqe *sqe;
	uint64_t user_data, seen;
	int results[2], i;

	map_ring_open(&self->ring, 4, 0);
	map_ring_prep(&self->ring, self->vm->fd, &self->batch, 0);
	map_ring_submit(&self->ring, 1);
	wait_until_slow(self);
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 0, 0);
	io_uring_sqe_set_data64(sqe, 1);
	map_ring_submit(&self->ring, 1);
	seen = resident_pages(self);
	for (i = 0; i < 2; i++) {
		int result = map_ring_wait(&self->ring, &user_data);

		results[user_data] = result;
	}
	ASSERT_EQ(-ECANCELED, results[0]);
	ASSERT_EQ(-EALREADY, results[1]);
	expect_few_since(self, seen);
	io_uring_queue_exit(&self->ring);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
