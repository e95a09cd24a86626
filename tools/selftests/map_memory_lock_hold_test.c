// SPDX-License-Identifier: GPL-2.0
// quick: debug
// kernel: debug
/*
 * How much a job maps with one hold of mmu_lock: no more than a leaf table of small
 * pages, or sixteen huge pages, and little once somebody waits for the lock.  Lockdep's
 * tracepoints tell of holds and KVM's of each SPTE.
 */
#include <sched.h>
#include <sys/stat.h>

#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/hugetlb_pool.h"
#include "lib/map_job.h"

#define TRACING		"/sys/kernel/tracing"
#define TRACE_DIR	TRACING "/instances/kvm-map-memory"
#define MMU_LOCK_FILTER	"name == \"&(kvm)->mmu_lock\""

#define LEAF_TABLE	512
/* Those on the way to a leaf table, made in the same hold. */
#define UPPER_SPTES	4
#define HUGE_BATCH	16
#define NR_HUGE		(3 * HUGE_BATCH)
#define RUN		64
/* An SPTE that maps nothing, as the trace has it. */
#define EMPTY		"old_spte 8000000000000000 "
#define ROUNDS		20

FIXTURE(hold) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	pid_t other;
	bool stop;

	/* The trace's figures. */
	unsigned int holds, longest, leaves, contended, longest_contended, late;
};

static void trace_write(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), TRACE_DIR "/%s", file);
	TEST_ASSERT(file_write(path, text), "%s does not take %s: %s", path, text,
		    strerror(errno));
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	TEST_ASSERT(!sched_setaffinity(0, sizeof(set), &set), "Cannot pin a thread");
}

FIXTURE_SETUP(hold)
{
	if (access(TRACING "/events/lock/lock_acquire", F_OK))
		SKIP(return, "The kernel does not trace locks");
	ASSERT_TRUE(!mkdir(TRACE_DIR, 0755) || errno == EEXIST);
	trace_write("tracing_on", "0");
	trace_write("trace", "");
	trace_write("buffer_size_kb", "8192");
	trace_write("trace_clock", "mono");
	trace_write("events/lock/lock_acquire/filter", MMU_LOCK_FILTER);
	trace_write("events/lock/lock_release/filter", MMU_LOCK_FILTER);
	trace_write("events/lock/lock_acquire/enable", "1");
	trace_write("events/lock/lock_release/enable", "1");
	trace_write("events/lock/contention_begin/enable", "1");
	trace_write("events/kvmmmu/kvm_tdp_mmu_spte_changed/enable", "1");

	run_on(0);
	self->vm = test_vm_create(1, &self->vcpu);
}

FIXTURE_TEARDOWN(hold)
{
	if (!self->vm)
		return;
	kvm_vm_free(self->vm);
	rmdir(TRACE_DIR);
}

static void trace_begin(pid_t other)
{
	char pids[32];

	snprintf(pids, sizeof(pids), "%d %d", gettid(), other);
	trace_write("trace", "");
	trace_write("set_event_pid", pids);
	trace_write("tracing_on", "1");
}

/* This thread is the only one that maps, and it stays on its CPU. */
static void trace_end(FIXTURE_DATA(hold) *self, int leaf_level)
{
	unsigned int sptes = 0, sptes_contended = 0;
	bool held = false, waited = false;
	char line[512], *what;
	int pid, level;
	FILE *file;

	trace_write("tracing_on", "0");
	file = fopen(TRACE_DIR "/trace", "r");
	TEST_ASSERT(file, "Cannot read the trace");
	while (fgets(line, sizeof(line), file)) {
		TEST_ASSERT(!strstr(line, "LOST"), "The trace is not complete");
		/* "  name-pid   [cpu] flags time: event: ..." */
		what = strstr(line, " [00");
		if (line[0] == '#' || !what)
			continue;
		*what = '\0';
		pid = atoi(strrchr(line, '-') + 1);
		what++;

		if (pid == self->other) {
			if (held && strstr(what, "contention_begin:") &&
			    strstr(what, "WRITE"))
				waited = true;
			continue;
		}
		if (strstr(what, "lock_acquire:")) {
			held = true;
			waited = false;
			sptes = sptes_contended = 0;
			self->holds++;
		} else if (strstr(what, "lock_release:")) {
			held = false;
			self->longest = max(self->longest, sptes);
			self->contended += waited;
			self->late += sptes_contended > 2 * RUN;
			self->longest_contended = max(self->longest_contended,
						      sptes_contended);
		} else if (strstr(what, "spte_changed:")) {
			TEST_ASSERT(held, "An SPTE is changed without mmu_lock");
			what = strstr(what, "level ");
			TEST_ASSERT(sscanf(what, "level %d", &level) == 1, "No level");
			self->leaves += level == leaf_level && strstr(what, EMPTY);
			sptes++;
			sptes_contended += waited;
		}
	}
	fclose(file);
	ksft_print_msg("%u SPTEs, %u holds, up to %u SPTEs each; %u contended, up to %u SPTEs after that, %u times more than two runs\n",
		       self->leaves, self->holds, self->longest, self->contended,
		       self->longest_contended, self->late);
}

TEST_F(hold, small_pages)
{
	const uint64_t size = 16 * SZ_1M;
	void *mem = test_mem_alloc(size);

	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, size, mem);
	trace_begin(self->other);
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, size, 0, 1, NULL));
	trace_end(self, 1);

	ASSERT_EQ(size / PAGE_SIZE, self->leaves);
	ASSERT_GE(LEAF_TABLE + UPPER_SPTES, self->longest);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, size, mem));
}

TEST_F(hold, huge_pages)
{
	const uint64_t size = NR_HUGE * SZ_2M;
	uint64_t pool_old;

	if (!hugetlb_pool_grow(SZ_2M / 1024, NR_HUGE, &pool_old))
		SKIP(return, "No free hugetlb pages of 2048 KiB");
	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, size,
		      VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB);
	/* Pages that are there are mapped several at a time; others by a fault each. */
	memset(addr_gpa2hva(self->vm, TEST_GPA), 1, size);
	trace_begin(self->other);
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, size, 0, 1, NULL));
	trace_end(self, 2);

	ASSERT_EQ(NR_HUGE, vm_get_stat(self->vm, "pages_2m"));
	ASSERT_EQ(NR_HUGE, self->leaves);
	ASSERT_GE(HUGE_BATCH + UPPER_SPTES, self->longest);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, size, NULL));
	hugetlb_pool_restore(SZ_2M / 1024, pool_old);
}

/* Takes mmu_lock for writing all the time, and leaves the page tables alone. */
static void *take_the_lock(void *data)
{
	FIXTURE_DATA(hold) *self = data;
	void *mem = test_mem_alloc(SZ_2M);

	run_on(1);
	test_slot_set(self->vm, TEST_SLOT + 1, 0, TEST_GPA + SZ_1G, SZ_2M, mem);
	WRITE_ONCE(self->other, gettid());
	/* Discarded pages are invalidated, under the lock, as long as they are there. */
	while (!READ_ONCE(self->stop)) {
		memset(mem, 1, PAGE_SIZE);
		madvise(mem, PAGE_SIZE, MADV_DONTNEED);
	}
	return NULL;
}

/* The SPTEs of a new table are traced when it is linked, and not when they are made. */
static void make_tables(FIXTURE_DATA(hold) *self, uint64_t size)
{
	uint64_t offset;

	for (offset = 0; offset < size; offset += SZ_2M)
		assert_map_range(self->vm, MAP_BY_IOCTL, TEST_GPA + offset, PAGE_SIZE, 0,
				 1, PAGE_SIZE);
}

/*
 * The run that is under way is finished; and another one, if the waiter has not got
 * as far as the lock's queue.  Now and then the emulator, which runs one CPU at a time,
 * stops the waiter just there.
 */
TEST_F_TIMEOUT(hold, small_pages_while_others_wait, 60)
{
	const uint64_t size = 32 * SZ_1M;
	void *mem = test_mem_alloc(size);
	pthread_t thread;
	int round;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "One CPU is too few to tell");

	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, size, mem);
	memset(mem, 1, size);
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_the_lock, self));
	ASSERT_TRUE(wait_until(READ_ONCE(self->other)));
	for (round = 0; round < ROUNDS && !self->contended; round++) {
		/* Out of the page tables with it. */
		test_slot_delete(self->vm, TEST_SLOT);
		test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, size, mem);
		make_tables(self, size);
		trace_begin(self->other);
		ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, size, 0, 1,
				       NULL));
		trace_end(self, 1);
	}
	WRITE_ONCE(self->stop, true);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_LT(0, self->contended);
	ASSERT_GE(self->contended / 10 + 1, self->late);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
