// SPDX-License-Identifier: GPL-2.0
// testvm: --numa 2
// test-timeout: 400
/*
 * Jobs over memory that the host keeps changing under them, with vCPUs at work
 * in the same tables.  What comes of such a job is open; afterwards the guest
 * must have the very pages that the host has, each of them.
 */
#include <sched.h>
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/swap.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define NR_PAGES	1400
#define TEST_SIZE	(NR_PAGES * PAGE_SIZE)
/* What changes, a whole table of the host's in it; vCPUs can use the rest. */
#define FIRST_MOVING	300
#define NR_MOVING	900
#define NR_PIECES	9
#define PIECE_SIZE	(NR_MOVING / NR_PIECES * PAGE_SIZE)

#define NR_VCPUS	2
#define NR_ROUNDS	8
#define NR_CHANGES	2

FIXTURE(moving) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[NR_VCPUS];
	pthread_t threads[NR_VCPUS];
	struct guest_pass passes[NR_VCPUS];
	struct io_uring ring;
	void *hva;
	void *moving;
	void *elsewhere;
	void (*change)(FIXTURE_DATA(moving) *self, unsigned int round);
	unsigned int round;
	unsigned int nr_results[3];	/* done, -EFAULT, -EAGAIN */
	bool changed;
};

/* Between the pages' places in the guest's and in the host's tables. */
FIXTURE_VARIANT(moving) {
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(moving, in_step) { .skew = 0 };
FIXTURE_VARIANT_ADD(moving, skewed) { .skew = 201 };

FIXTURE_SETUP(moving)
{
	self->vm = test_vm_create(NR_VCPUS, self->vcpus);
	self->hva = test_mem_alloc(TEST_SIZE + SZ_2M) + variant->skew * PAGE_SIZE;
	self->moving = self->hva + FIRST_MOVING * PAGE_SIZE;
	self->elsewhere = test_mem_alloc(TEST_SIZE + SZ_2M) +
			  variant->skew * PAGE_SIZE;
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	/* Here and not in map_batch(): it might be put where memory is gone. */
	map_ring_open(&self->ring, 4, 0);
}

FIXTURE_TEARDOWN(moving)
{
	io_uring_queue_exit(&self->ring);
	kvm_vm_free(self->vm);
}

static int map_once(FIXTURE_DATA(moving) *self, uint64_t flags,
		    struct kvm_map_memory_batch *batch)
{
	struct kvm_memory_mapping mapping = { TEST_GPA, TEST_SIZE, flags };
	int ret;

	map_batch_init(batch, &mapping, 1, self->round & 1 ? 4 : 1);
	if (self->round & 2) {
		map_ring_prep(&self->ring, self->vm->fd, batch, 0);
		map_ring_submit(&self->ring, 1);
		ret = map_ring_wait(&self->ring, NULL);
	} else {
		ret = map_batch(self->vm, MAP_BY_IOCTL, batch);
	}
	batch->mappings = 0;
	TEST_ASSERT(!ret == !mapping.size && batch->first_undone == !ret &&
		    mapping.base_address + mapping.size == TEST_GPA + TEST_SIZE,
		    "result %d with 0x%llx bytes left at 0x%llx", ret,
		    mapping.size, mapping.base_address);
	return ret;
}

static void map_while_it_changes(FIXTURE_DATA(moving) *self)
{
	struct kvm_map_memory_batch batch;
	unsigned int i = 0;
	int ret;

	do {
		ret = map_once(self, i++ & 1 ? KVM_MEMORY_MAPPING_READ : 0, &batch);
		TEST_ASSERT(!ret || ret == -EFAULT || ret == -EAGAIN,
			    "result %d", ret);
		self->nr_results[!ret ? 0 : ret == -EFAULT ? 1 : 2]++;
	} while (!READ_ONCE(self->changed));
}

static void *changer_main(void *data)
{
	FIXTURE_DATA(moving) *self = data;
	unsigned int i;

	for (i = 0; i < NR_CHANGES; i++)
		self->change(self, self->round * NR_CHANGES + i);
	WRITE_ONCE(self->changed, true);
	return NULL;
}

static void *vcpu0_main(void *data)
{
	FIXTURE_DATA(moving) *self = data;

	guest_pass_run(self->vcpus[0], &self->passes[0]);
	return NULL;
}

static void *vcpu1_main(void *data)
{
	FIXTURE_DATA(moving) *self = data;

	guest_pass_run(self->vcpus[1], &self->passes[1]);
	return NULL;
}

/* One from below, one from above, either up to what changes or through it. */
static void start_vcpus(FIXTURE_DATA(moving) *self, bool through)
{
	int i;

	self->passes[0] = (struct guest_pass) {
		.gpa = TEST_GPA,
		.nr_pages = through ? NR_PAGES : FIRST_MOVING,
		.ops = PASS_READ | PASS_WRITE | PASS_FOREVER,
	};
	self->passes[1] = self->passes[0];
	self->passes[1].gpa += TEST_SIZE - PAGE_SIZE;
	self->passes[1].stride = -1ULL;
	if (!through)
		self->passes[1].nr_pages = NR_PAGES - FIRST_MOVING - NR_MOVING;

	TEST_ASSERT(!pthread_create(&self->threads[0], NULL, vcpu0_main, self) &&
		    !pthread_create(&self->threads[1], NULL, vcpu1_main, self),
		    "Cannot create threads");
	for (i = 0; i < NR_VCPUS; i++)
		TEST_ASSERT(wait_until(guest_pass_progress(self->vcpus[i])),
			    "vCPU %d does not run", i);
}

static void stop_vcpus(FIXTURE_DATA(moving) *self)
{
	int i;

	for (i = 0; i < NR_VCPUS; i++) {
		guest_pass_stop(self->vcpus[i]);
		TEST_ASSERT(!pthread_join(self->threads[i], NULL), "No thread");
	}
}

/* What either side writes the other one reads, and nothing faults for it. */
static void expect_same_pages(FIXTURE_DATA(moving) *self)
{
	struct kvm_map_memory_batch batch;
	struct guest_pass verify = {
		.gpa = TEST_GPA,
		.nr_pages = NR_PAGES,
		.ops = PASS_READ | PASS_VERIFY,
		.expect = (self->round + 1) << 20,
	};
	uint64_t i;

	TEST_ASSERT_EQ(map_once(self, 0, &batch), 0);
	assert_batch_done(&batch, batch.bytes_mapped, TEST_SIZE - batch.bytes_mapped);

	for (i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(self->hva + i * PAGE_SIZE) = verify.expect + i;
	TEST_ASSERT_EQ(guest_pass(self->vcpus[0], &verify), 0);
	TEST_ASSERT_EQ(guest_read_write(self->vcpus[1], TEST_GPA, TEST_SIZE,
					self->hva), 0);
}

static void race(FIXTURE_DATA(moving) *self, bool through,
		 void (*change)(FIXTURE_DATA(moving) *self, unsigned int round))
{
	pthread_t changer;

	self->change = change;
	for (self->round = 0; self->round < NR_ROUNDS; self->round++) {
		self->changed = false;
		start_vcpus(self, through);
		TEST_ASSERT(!pthread_create(&changer, NULL, changer_main, self),
			    "Cannot create a thread");
		map_while_it_changes(self);
		TEST_ASSERT(!pthread_join(changer, NULL), "No thread");
		stop_vcpus(self);
		expect_same_pages(self);
	}
	ksft_print_msg("%u jobs done, %u -EFAULT, %u -EAGAIN\n",
		       self->nr_results[0], self->nr_results[1],
		       self->nr_results[2]);
}

static void *piece(FIXTURE_DATA(moving) *self, unsigned int i)
{
	return self->moving + i % NR_PIECES * PIECE_SIZE;
}

/* Every other change is of single pages. */
static void discard(FIXTURE_DATA(moving) *self, unsigned int round)
{
	uint64_t size = round & 1 ? PAGE_SIZE : PIECE_SIZE;
	unsigned int i;
	void *hva;

	for (i = 0; i < 2 * NR_PIECES; i++) {
		hva = piece(self, i) + (round & 1 ? (i + round) * PAGE_SIZE : 0);
		TEST_ASSERT(!madvise(hva, size, MADV_DONTNEED),
			    "MADV_DONTNEED failed");
		if (i % 3)
			*(uint64_t *)hva = round;
	}
}

TEST_F_TIMEOUT(moving, discarded, 60)
{
	race(self, true, discard);
}

static void protect(FIXTURE_DATA(moving) *self, unsigned int round)
{
	int i;

	for (i = 0; i < NR_PIECES; i++)
		TEST_ASSERT(!mprotect(piece(self, i), PIECE_SIZE,
				      (i + round) % 3 ? PROT_READ : PROT_NONE),
			    "mprotect failed");
	for (i = NR_PIECES - 1; i >= 0; i--)
		TEST_ASSERT(!mprotect(piece(self, i), PIECE_SIZE,
				      PROT_READ | PROT_WRITE), "mprotect failed");
}

TEST_F_TIMEOUT(moving, protected, 90)
{
	race(self, false, protect);
}

static void unmap(FIXTURE_DATA(moving) *self, unsigned int round)
{
	unsigned int i;
	void *hva;

	for (i = 0; i < NR_PIECES; i++) {
		hva = piece(self, round & 1 ? i : NR_PIECES - 1 - i);
		TEST_ASSERT(!munmap(hva, PIECE_SIZE), "munmap failed");
		if (i % 4 == 3)
			sched_yield();
		TEST_ASSERT(mmap(hva, PIECE_SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
				 -1, 0) == hva, "mmap failed");
		madvise(hva, PIECE_SIZE, MADV_NOHUGEPAGE);
		if (i & 1)
			*(uint64_t *)hva = round;
	}
}

TEST_F_TIMEOUT(moving, unmapped, 90)
{
	race(self, false, unmap);
}

static void fork_and_exit(FIXTURE_DATA(moving) *self, unsigned int round)
{
	uint64_t offset;
	pid_t child = fork();

	TEST_ASSERT(child >= 0, "fork failed");
	if (!child)
		_exit(0);
	/* Some pages are replaced while the child may still share them. */
	for (offset = round * PAGE_SIZE; offset < NR_MOVING * PAGE_SIZE;
	     offset += 23 * PAGE_SIZE)
		*(uint64_t *)(self->moving + offset) = round;
	TEST_ASSERT(waitpid(child, NULL, 0) == child, "waitpid failed");
}

/* Nor is the end of the child, with its descriptors, one of the job. */
TEST_F_TIMEOUT(moving, forked, 120)
{
	race(self, true, fork_and_exit);
	ASSERT_EQ(0, self->nr_results[1]);
}

static void collapse(FIXTURE_DATA(moving) *self, unsigned int round)
{
	uint64_t offset;

	/* There need not be a huge page; the pages may go all the same. */
	madvise(self->moving, NR_MOVING * PAGE_SIZE, MADV_HUGEPAGE);
	madvise(self->moving, NR_MOVING * PAGE_SIZE, MADV_COLLAPSE);
	madvise(self->moving, NR_MOVING * PAGE_SIZE, MADV_NOHUGEPAGE);
	if (round & 1)
		return;
	for (offset = 0; offset < NR_MOVING * PAGE_SIZE; offset += 197 * PAGE_SIZE)
		TEST_ASSERT(!madvise(self->moving + offset, PAGE_SIZE,
				     MADV_DONTNEED), "MADV_DONTNEED failed");
}

TEST_F_TIMEOUT(moving, collapsed, 120)
{
	race(self, true, collapse);
	ASSERT_EQ(0, self->nr_results[1]);
}

/* All at once, so that the host moves a whole table, or by the piece. */
static void move(FIXTURE_DATA(moving) *self, unsigned int round)
{
	uint64_t size = round & 1 ? PIECE_SIZE : NR_MOVING * PAGE_SIZE;
	uint64_t offset;
	void *there = self->elsewhere + FIRST_MOVING * PAGE_SIZE, *here;

	for (offset = 0; offset < NR_MOVING * PAGE_SIZE; offset += size) {
		here = self->moving + offset;
		TEST_ASSERT(mremap(here, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
				   there) == there, "mremap failed");
		if (round & 2)
			sched_yield();
		if (round % 3)
			*(uint64_t *)there = round;
		TEST_ASSERT(mremap(there, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
				   here) == here, "mremap failed");
	}
}

TEST_F_TIMEOUT(moving, moved, 90)
{
	race(self, false, move);
}

/* The rest comes back by being touched, by a job first of all. */
static void page_out(FIXTURE_DATA(moving) *self, unsigned int round)
{
	unsigned int i;

	for (i = 0; i < NR_PIECES; i++) {
		/* An error tells that some pages were in use. */
		madvise(piece(self, i), PIECE_SIZE,
			(i + round) & 1 ? MADV_PAGEOUT : MADV_COLD);
		if (i % 3 == 2)
			*(uint64_t *)piece(self, i - 1) = round;
	}
}

static uint64_t vmstat_counter(const char *name)
{
	unsigned long long value;
	FILE *file = fopen("/proc/vmstat", "r");
	char found[64];

	TEST_ASSERT(file, "Cannot open /proc/vmstat");
	while (fscanf(file, "%63s %llu", found, &value) == 2) {
		if (!strcmp(found, name)) {
			fclose(file);
			return value;
		}
	}
	TEST_FAIL("/proc/vmstat has no %s", name);
	return 0;
}

TEST_F_TIMEOUT(moving, paged_out, 120)
{
	uint64_t before = vmstat_counter("pswpout");

	if (!swap_on())
		SKIP(return, "No swap to be had");
	race(self, true, page_out);
	ASSERT_LT(before, vmstat_counter("pswpout"));
	ASSERT_EQ(0, self->nr_results[1]);
	swap_off();
}

static void migrate(FIXTURE_DATA(moving) *self, unsigned int round)
{
	static void *pages[NR_MOVING];
	static int nodes[NR_MOVING], status[NR_MOVING];
	int i;

	for (i = 0; i < NR_MOVING; i++) {
		pages[i] = self->moving + i * PAGE_SIZE;
		nodes[i] = (i / 7 + round) & 1;
	}
	/* Pages that are not there, or in use just now, stay. */
	TEST_ASSERT(syscall(SYS_move_pages, 0, NR_MOVING, pages, nodes, status,
			    1 << 1 /* MPOL_MF_MOVE */) >= 0, "move_pages failed");
}

TEST_F_TIMEOUT(moving, migrated, 120)
{
	uint64_t before = vmstat_counter("pgmigrate_success");

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "One node only");
	race(self, true, migrate);
	ASSERT_LT(before + NR_MOVING, vmstat_counter("pgmigrate_success"));
	ASSERT_EQ(0, self->nr_results[1]);
}

static bool set_up_file(const char *path, const char *value)
{
	FILE *file = fopen(path, "w");
	bool done;

	if (!file)
		return false;
	done = fputs(value, file) >= 0;
	return !fclose(file) && done;
}

#define BALANCING	"/sys/kernel/debug/sched/numa_balancing/"

/* Use the memory from the other node until the scheduler looks where it is. */
static void balance(FIXTURE_DATA(moving) *self, unsigned int round)
{
	uint64_t updates = vmstat_counter("numa_pte_updates"), end = now_ms() + DEADLINE_MS;
	cpu_set_t cpus;
	int i;

	CPU_ZERO(&cpus);
	CPU_SET(round & 1, &cpus);
	TEST_ASSERT(!sched_setaffinity(0, sizeof(cpus), &cpus), "No CPU");
	while (vmstat_counter("numa_pte_updates") < updates + NR_MOVING / 2 && now_ms() < end)
		for (i = 0; i < NR_MOVING; i++)
			*(volatile uint64_t *)(self->moving + i * PAGE_SIZE) = i;
	TEST_ASSERT(vmstat_counter("numa_pte_updates") > updates, "Nothing is balanced");
}

TEST_F_TIMEOUT(moving, balanced_between_nodes, 240)
{
	uint64_t before;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP(return, "One node only");
	if (!set_up_file("/proc/sys/kernel/numa_balancing", "1") ||
	    !set_up_file(BALANCING "scan_delay_ms", "1") ||
	    !set_up_file(BALANCING "scan_period_min_ms", "10") ||
	    !set_up_file(BALANCING "scan_period_max_ms", "20"))
		SKIP(return, "No balancing between nodes");
	before = vmstat_counter("numa_hint_faults");
	race(self, true, balance);
	ASSERT_LT(before, vmstat_counter("numa_hint_faults"));
	ASSERT_EQ(0, self->nr_results[1]);
	ASSERT_TRUE(set_up_file("/proc/sys/kernel/numa_balancing", "0"));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_BATCH);
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_URING);
	return test_harness_run(argc, argv);
}
