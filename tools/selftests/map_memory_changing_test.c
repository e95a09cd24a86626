// SPDX-License-Identifier: GPL-2.0
// quick: svm
// 7.3: none that kernel has no thread wait for its quota in the middle of a system call
/*
 * Host memory that is being changed for longer than a call waits for the end of
 * it: EAGAIN after ten seconds, and everything else is mapped.  Not so where the
 * caller has hardly had the time to try.
 *
 * The change is a madvise() in a thread that a cgroup lets run for a
 * millisecond a second: it is somewhere in the middle of one invalidation for as
 * long as the test wants.
 */
#include "kvm_test_harness.h"

#include "lib/cgroup.h"
#include "lib/host_state.h"
#include "lib/map_job.h"

/* From TEST_GPA: memory that nobody touches, then what is being dropped. */
#define QUIET_SIZE	(16 * SZ_1M)
#define DROPPED_SIZE	(384 * SZ_1M)
#define DROPPED_GPA	(TEST_GPA + QUIET_SIZE)
/* The callers' parts of each. */
#define PART_SIZE	SZ_1M

#define GIVE_UP_MS	10000
/* The kernel counts in ticks, which may come late. */
#define TICKS_MS	500

enum caller {
	ON_VCPU,
	IOCTL_1_WORKER,
	IOCTL_4_WORKERS,
	URING_4_WORKERS,
	NR_CALLERS,
};

struct call {
	struct changing *test;
	enum caller caller;
	struct kvm_memory_mapping mappings[3];
	struct kvm_map_memory_batch batch;
	pthread_t thread;
	uint64_t ms;
	bool ready, started, done;
	int result;
};

struct changing {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *dropped;
	struct cgroup slow;
	pthread_t slow_thread;
	bool slow_callers;
	bool ready, drop, has_dropped, go;
	struct io_uring ring;
	struct call calls[NR_CALLERS];
};

FIXTURE(changing) {
	struct changing test;
};

static void *drop_slowly(void *data)
{
	struct changing *test = data;

	cgroup_enter_thread(&test->slow, gettid());
	WRITE_ONCE(test->ready, true);
	while (!READ_ONCE(test->drop))
		usleep(1000);
	TEST_ASSERT(!madvise(test->dropped, DROPPED_SIZE, MADV_DONTNEED),
		    "MADV_DONTNEED failed");
	WRITE_ONCE(test->has_dropped, true);
	return NULL;
}

/*
 * Said again, it forgives what a thread has used beyond its quota, for which it
 * would wait: a hundred seconds if it went unseen for a tenth of one.
 */
static void slow_down(struct changing *test)
{
	cgroup_set(&test->slow, "cpu.max", "1000 1000000");
}

static void speed_up(struct changing *test)
{
	cgroup_set(&test->slow, "cpu.max", "max");
	pthread_join(test->slow_thread, NULL);
}

static void add_mapping(struct call *call, uint64_t gpa, uint64_t size)
{
	call->mappings[call->batch.nr_mappings++] = (struct kvm_memory_mapping) {
		.base_address = gpa,
		.size = size,
	};
}

static void init_call(struct changing *test, enum caller caller)
{
	uint64_t part = caller * PART_SIZE;
	struct call *call = &test->calls[caller];

	call->test = test;
	call->caller = caller;
	map_batch_init(&call->batch, call->mappings, 0,
		       caller == IOCTL_1_WORKER ? 1 : 4);
	if (test->slow_callers) {
		/* The memory before it would take them too long. */
		add_mapping(call, DROPPED_GPA + DROPPED_SIZE - PART_SIZE, PAGE_SIZE);
		return;
	}
	if (caller == ON_VCPU) {
		/* One range that begins before the memory that changes. */
		add_mapping(call, DROPPED_GPA - PART_SIZE, 2 * PART_SIZE);
		return;
	}
	add_mapping(call, TEST_GPA + part, PART_SIZE);
	add_mapping(call, DROPPED_GPA + DROPPED_SIZE - part, PART_SIZE);
	add_mapping(call, TEST_GPA + QUIET_SIZE / 2 + part, PART_SIZE);
}

static int make_call(struct call *call)
{
	struct changing *test = call->test;

	switch (call->caller) {
	case ON_VCPU:
		return vcpu_map_memory(test->vcpu, call->mappings);
	case URING_4_WORKERS:
		map_ring_prep(&test->ring, test->vm->fd, &call->batch, 0);
		map_ring_submit(&test->ring, 1);
		return map_ring_wait(&test->ring, NULL);
	default:
		return map_batch(test->vm, MAP_BY_IOCTL, &call->batch);
	}
}

static void *call_in_thread(void *data)
{
	struct call *call = data;
	void *volatile heap;
	uint64_t start;

	/* The heap of this thread, which glibc 2.41 wants for strerror(). */
	heap = malloc(1);
	free(heap);
	if (call->test->slow_callers)
		cgroup_enter_thread(&call->test->slow, gettid());
	WRITE_ONCE(call->ready, true);
	while (!READ_ONCE(call->test->go))
		usleep(1000);
	start = now_ms();
	WRITE_ONCE(call->started, true);
	call->result = make_call(call);
	call->ms = now_ms() - start;
	WRITE_ONCE(call->done, true);
	return NULL;
}

static void join_call(struct call *call)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += (GIVE_UP_MS + DEADLINE_MS) / 1000;
	TEST_ASSERT(!pthread_timedjoin_np(call->thread, NULL, &end),
		    "Call %d does not give up", call->caller);
}

static void expect_given_up(const struct call *call)
{
	uint64_t stuck = DROPPED_GPA + DROPPED_SIZE - call->caller * PART_SIZE;

	TEST_ASSERT_EQ(call->result, -EAGAIN);
	TEST_ASSERT(call->ms >= GIVE_UP_MS - TICKS_MS,
		    "Call %d gave up after %lu ms", call->caller, call->ms);
	if (call->caller == ON_VCPU) {
		TEST_ASSERT_EQ(call->mappings[0].base_address, DROPPED_GPA);
		TEST_ASSERT_EQ(call->mappings[0].size, PART_SIZE);
		return;
	}
	TEST_ASSERT_EQ(call->batch.first_undone, 1);
	TEST_ASSERT_EQ(call->batch.bytes_mapped, 2 * PART_SIZE);
	TEST_ASSERT_EQ(call->batch.bytes_present, 0);
	TEST_ASSERT_EQ(call->mappings[0].size, 0);
	TEST_ASSERT_EQ(call->mappings[1].base_address, stuck);
	TEST_ASSERT_EQ(call->mappings[1].size, PART_SIZE);
	TEST_ASSERT_EQ(call->mappings[2].size, 0);
}

static void expect_done(struct changing *test, struct call *call)
{
	uint64_t part = call->caller * PART_SIZE;

	TEST_ASSERT_EQ(make_call(call), 0);
	if (call->caller == ON_VCPU) {
		TEST_ASSERT_EQ(call->mappings[0].size, 0);
		TEST_ASSERT_EQ(guest_write(test->vcpu, DROPPED_GPA - PART_SIZE,
					   2 * PART_SIZE), 0);
		return;
	}
	assert_batch_done(&call->batch, PART_SIZE, 0);
	TEST_ASSERT_EQ(guest_write(test->vcpu, DROPPED_GPA + DROPPED_SIZE - part,
				   PART_SIZE), 0);
}

FIXTURE_SETUP(changing)
{
	struct changing *test = &self->test;

	if (!cgroup_create(&test->slow, "map-memory-changing", "+cpu"))
		SKIP(return, "There is no cpu controller");
	cgroup_set(&test->slow, "cgroup.type", "threaded");
	test->vm = test_vm_create(1, &test->vcpu);
	test->dropped = QUIET_SIZE +
		test_slot_add(test->vm, TEST_SLOT, TEST_GPA,
			      QUIET_SIZE + DROPPED_SIZE, VM_MEM_SRC_ANONYMOUS);
	memset(test->dropped, 1, DROPPED_SIZE);
	map_ring_open(&test->ring, 4, 0);
}

FIXTURE_TEARDOWN(changing)
{
	struct changing *test = &self->test;

	if (!test->vm)
		return;
	io_uring_queue_exit(&test->ring);
	kvm_vm_free(test->vm);
	cgroup_destroy(&test->slow);
}

static bool let_drop(struct changing *test)
{
	slow_down(test);
	return !page_is_present(test->dropped);
}

static bool let_start(struct changing *test, struct call *call)
{
	if (READ_ONCE(call->started))
		return true;
	sleep(1);
	slow_down(test);
	return false;
}

/* Calls of the first @nr callers, when the memory has begun to change. */
static void start_calls(struct changing *test, enum caller nr)
{
	enum caller caller;

	/*
	 * Threads come first, and what they allocate: that wants mmap_lock for
	 * writing, which madvise() holds for reading from then on.  Nobody is slow
	 * yet either, who would hold a lock of the cgroups.
	 */
	TEST_ASSERT(!pthread_create(&test->slow_thread, NULL, drop_slowly, test),
		    "Cannot create a thread");
	TEST_ASSERT(wait_until(READ_ONCE(test->ready)), "The thread does not run");
	for (caller = 0; caller < nr; caller++) {
		init_call(test, caller);
		TEST_ASSERT(!pthread_create(&test->calls[caller].thread, NULL,
					    call_in_thread, &test->calls[caller]),
			    "Cannot create a thread");
		TEST_ASSERT(wait_until(READ_ONCE(test->calls[caller].ready)),
			    "The thread of call %d does not run", caller);
	}

	WRITE_ONCE(test->drop, true);
	TEST_ASSERT(wait_until(let_drop(test)), "Nothing is dropped");
	WRITE_ONCE(test->go, true);
	for (caller = 0; caller < nr; caller++)
		TEST_ASSERT(wait_until(let_start(test, &test->calls[caller])),
			    "Call %d does not begin", caller);
}

static void expect_still_changing(struct changing *test)
{
	TEST_ASSERT(!READ_ONCE(test->has_dropped) &&
		    page_is_present(test->dropped + DROPPED_SIZE - PAGE_SIZE),
		    "The memory was not being changed all the time");
}

TEST_F_TIMEOUT(changing, gives_up, 90)
{
	struct changing *test = &self->test;
	enum caller caller;

	start_calls(test, NR_CALLERS);
	for (caller = 0; caller < NR_CALLERS; caller++)
		join_call(&test->calls[caller]);
	expect_still_changing(test);
	for (caller = 0; caller < NR_CALLERS; caller++)
		expect_given_up(&test->calls[caller]);

	speed_up(test);
	for (caller = 0; caller < NR_CALLERS; caller++)
		expect_done(test, &test->calls[caller]);
}

/* A CPU quota that leaves time for some hundred tries in ten seconds. */
TEST_F_TIMEOUT(changing, does_not_give_up_untried, 90)
{
	struct changing *test = &self->test;
	const enum caller nr = IOCTL_1_WORKER + 1;
	enum caller caller;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "Without a CPU of its own the change takes too long to end");

	test->slow_callers = true;
	start_calls(test, nr);
	usleep((GIVE_UP_MS + 5000) * 1000);
	for (caller = 0; caller < nr; caller++)
		ASSERT_FALSE(READ_ONCE(test->calls[caller].done));
	expect_still_changing(test);

	speed_up(test);
	for (caller = 0; caller < nr; caller++) {
		join_call(&test->calls[caller]);
		ASSERT_EQ(0, test->calls[caller].result);
	}
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_VCPU);
	map_require_batches();
	return test_harness_run(argc, argv);
}
