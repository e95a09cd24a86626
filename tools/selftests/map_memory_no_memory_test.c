// SPDX-License-Identifier: GPL-2.0
// quick: debug
// kernel: debug
/*
 * Each allocation of a call fails once, one after the other, until a call needs no
 * more of them: the error, what is left, and the next call with the same structures.
 */
#include "kvm_test_harness.h"

#include "lib/fault_injection.h"
#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(6 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
/* The results' values after a call that has changed nothing. */
#define NOT_WRITTEN	0xeeeeeeeeeeeeeeeeULL
/* No call allocates that often. */
#define MANY		10000

enum entry {
	BY_IOCTL = MAP_BY_IOCTL,
	BY_URING = MAP_BY_URING,
	BY_VCPU,
};

struct outcome {
	unsigned int refused;	/* nothing was changed */
	unsigned int stopped;	/* some of it was mapped */
	unsigned int tolerated;	/* all of it was mapped nevertheless */
};

FIXTURE(no_memory) {
	uint64_t page_tables_kib;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *mem;
	struct io_uring ring;
	pid_t owner;

	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct outcome outcome;
};

FIXTURE_VARIANT(no_memory) {
	enum entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(no_memory, vcpu) {
	.entry = BY_VCPU, .workers = 1,
};

FIXTURE_VARIANT_ADD(no_memory, ioctl_1_worker) {
	.entry = BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(no_memory, ioctl_3_workers) {
	.entry = BY_IOCTL, .workers = 3,
};

FIXTURE_VARIANT_ADD(no_memory, uring_1_worker) {
	.entry = BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(no_memory, uring_3_workers) {
	.entry = BY_URING, .workers = 3,
};

static int call(FIXTURE_DATA(no_memory) *self, enum entry entry)
{
	switch (entry) {
	case BY_VCPU:
		return __vcpu_ioctl(self->vcpu, KVM_MAP_MEMORY, &self->mapping) ?
		       -errno : 0;
	case BY_IOCTL:
		return map_batch(self->vm, MAP_BY_IOCTL, &self->batch);
	default:
		map_ring_prep(&self->ring, self->vm->fd, &self->batch, 0);
		map_ring_submit(&self->ring, 1);
		return map_ring_wait(&self->ring, NULL);
	}
}

static void init_call(FIXTURE_DATA(no_memory) *self, uint32_t workers)
{
	self->mapping = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	map_batch_init(&self->batch, &self->mapping, 1, workers);
	self->batch.bytes_mapped = NOT_WRITTEN;
}

static void create_vm(FIXTURE_DATA(no_memory) *self)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->mem = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->mem);
}

static void free_vm(FIXTURE_DATA(no_memory) *self)
{
	kvm_vm_free(self->vm);
	munmap(self->mem, TEST_SIZE);
	TEST_ASSERT(wait_until(vm_page_tables_kib() <= self->page_tables_kib),
		    "%lu KiB of page tables are left, there were %lu before",
		    vm_page_tables_kib(), self->page_tables_kib);
}

/* There is nothing to do for the call: it only makes the io-wq thread. */
static void open_ring(FIXTURE_DATA(no_memory) *self)
{
	map_ring_open(&self->ring, 4, 0);
	create_vm(self);
	init_call(self, 1);
	self->mapping.size = 0;
	TEST_ASSERT_EQ(call(self, BY_URING), -EINVAL);
	TEST_ASSERT_EQ(find_threads("iou-wrk", &self->owner, 1), 1);
	free_vm(self);
}

FIXTURE_SETUP(no_memory)
{
	self->page_tables_kib = vm_page_tables_kib();
	self->owner = gettid();
	if (variant->entry == BY_URING)
		open_ring(self);
}

FIXTURE_TEARDOWN(no_memory)
{
	fault_injection_end();
	if (variant->entry == BY_URING)
		io_uring_queue_exit(&self->ring);
}

/* How much was mapped; the counters of the VM must say the same. */
static uint64_t judge(FIXTURE_DATA(no_memory) *self,
		      const FIXTURE_VARIANT(no_memory) *variant, int result)
{
	uint64_t done = self->mapping.base_address - TEST_GPA;
	uint64_t mapped = vm_get_stat(self->vm, "pages_4k") * PAGE_SIZE;

	TEST_ASSERT_EQ(self->mapping.base_address + self->mapping.size,
		       TEST_GPA + TEST_SIZE);
	if (variant->entry != BY_VCPU && !self->batch.workers_used) {
		TEST_ASSERT_EQ(result, -ENOMEM);
		TEST_ASSERT_EQ(done, 0);
		TEST_ASSERT_EQ(mapped, 0);
		TEST_ASSERT_EQ(self->batch.bytes_mapped, NOT_WRITTEN);
		self->outcome.refused++;
		return 0;
	}

	if (variant->entry != BY_VCPU) {
		TEST_ASSERT_EQ(self->batch.bytes_mapped, mapped);
		TEST_ASSERT_EQ(self->batch.bytes_present, 0);
		TEST_ASSERT_EQ(self->batch.first_undone, !result);
	}
	if (!result) {
		TEST_ASSERT_EQ(done, TEST_SIZE);
		TEST_ASSERT_EQ(mapped, TEST_SIZE);
		self->outcome.tolerated++;
		return mapped;
	}

	TEST_ASSERT_EQ(result, -ENOMEM);
	if (variant->workers == 1)
		TEST_ASSERT_EQ(done, mapped);
	TEST_ASSERT(done < TEST_SIZE && done <= mapped,
		    "0x%lx bytes are said to be done, 0x%lx are mapped", done, mapped);
	self->outcome.stopped++;
	return mapped;
}

/* With memory again the very same structures are submitted. */
static void call_again(FIXTURE_DATA(no_memory) *self, enum entry entry,
		       uint64_t mapped)
{
	uint64_t left = self->mapping.size;

	if (left) {
		TEST_ASSERT_EQ(call(self, entry), 0);
		TEST_ASSERT_EQ(self->mapping.size, 0);
		if (entry != BY_VCPU)
			assert_batch_done(&self->batch, TEST_SIZE - mapped,
					  left - (TEST_SIZE - mapped));
	}
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), TEST_PAGES);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->mem), 0);
}

/* False once the call has not come to the @nth allocation. */
static bool fail_one(FIXTURE_DATA(no_memory) *self,
		     const FIXTURE_VARIANT(no_memory) *variant, pid_t tid,
		     unsigned int nth)
{
	uint64_t mapped;
	bool failed;
	int result;

	create_vm(self);
	init_call(self, variant->workers);
	fail_nth(tid, nth);
	result = call(self, variant->entry);
	failed = fail_nth_end(tid);
	if (failed) {
		mapped = judge(self, variant, result);
		call_again(self, variant->entry, mapped);
	} else {
		TEST_ASSERT_EQ(result, 0);
	}
	free_vm(self);
	return failed;
}

static void fail_each(FIXTURE_DATA(no_memory) *self,
		      const FIXTURE_VARIANT(no_memory) *variant, pid_t tid)
{
	unsigned int nth = 1, nr = 0, step = quick_tier() ? 4 : 1;

	for (; nth < MANY && fail_one(self, variant, tid, nth); nth += step)
		nr++;
	TEST_ASSERT(nth < MANY, "There is no end of allocations");
	ksft_print_msg("%u allocations failed: %u calls refused, %u stopped, %u tolerated it\n",
		       nr, self->outcome.refused, self->outcome.stopped,
		       self->outcome.tolerated);

	/* How many of which kind differs a little: the kernel allocates beside. */
	TEST_ASSERT(self->outcome.refused || variant->entry == BY_VCPU, "No call was refused");
	/* Helpers may do it all. */
	TEST_ASSERT(self->outcome.stopped || variant->workers > 1,
		    "No call was stopped");
}

static const char *entry_function(enum entry entry)
{
	switch (entry) {
	case BY_VCPU:
		return "kvm_map_memory_vcpu_ioctl";
	case BY_IOCTL:
		return "kvm_map_memory_vm_ioctl";
	default:
		return "kvm_map_memory_uring_cmd";
	}
}

/* Everything but the pages of guest memory. */
TEST_F_TIMEOUT(no_memory, for_the_call, 120)
{
	/* The kernel warns if it cannot make a thread's stack. */
	const char *but_not = variant->workers > 1 ? "copy_process" : NULL;

	if (!fault_injection_begin(entry_function(variant->entry), but_not, false))
		SKIP(return, "The kernel injects no faults");
	fail_each(self, variant, self->owner);
}

struct place {
	const char *function;
	bool refuses;
};

/* The vector, the pool, the job, the owner's context; then caches for page tables. */
static const struct place places[] = {
	{ "kvm_map_memory_batch", true },
	{ "kvm_map_memory_pool_get", true },
	{ "kvm_map_memory_job_create", true },
	{ "kvm_arch_map_memory_create_context", true },
	{ "__kvm_mmu_topup_memory_cache", false },
};

TEST_F(no_memory, at_each_place)
{
	unsigned int i = variant->entry == BY_VCPU ? ARRAY_SIZE(places) - 1 : 0;
	uint64_t mapped;
	int result;

	for (; i < ARRAY_SIZE(places); i++) {
		create_vm(self);
		init_call(self, variant->workers);
		if (!fault_injection_begin(places[i].function, NULL, false))
			SKIP(return, "The kernel injects no faults");
		make_thread_fail(self->owner, true);
		fail_first(1);
		result = call(self, variant->entry);
		make_thread_fail(self->owner, false);
		fault_injection_end();

		self->outcome = (struct outcome) {};
		mapped = judge(self, variant, result);
		ASSERT_EQ(places[i].refuses, self->outcome.refused);
		ASSERT_EQ(!places[i].refuses, self->outcome.stopped);
		call_again(self, variant->entry, mapped);
		free_vm(self);
	}
}

/* As by a vCPU's fault it is no ENOMEM that tells of it. */
TEST_F(no_memory, for_the_guest)
{
	const uint64_t there = 100 * PAGE_SIZE;

	if (!fault_injection_begin("__get_user_pages", NULL, true))
		SKIP(return, "The kernel injects no faults");

	create_vm(self);
	init_call(self, variant->workers);
	memset(self->mem, 1, there);
	make_thread_fail(gettid(), true);
	make_thread_fail(self->owner, true);
	fail_first(MANY);
	ASSERT_EQ(-EFAULT, call(self, variant->entry));
	ASSERT_LT(0, fail_first_count());
	fault_injection_end();

	ASSERT_EQ(TEST_GPA + there, self->mapping.base_address);
	ASSERT_EQ(there, vm_get_stat(self->vm, "pages_4k") * PAGE_SIZE);
	if (variant->entry != BY_VCPU)
		ASSERT_EQ(there, self->batch.bytes_mapped);
	call_again(self, variant->entry, there);
	free_vm(self);
}

/* A submission that fails has submitted nothing. */
TEST(no_memory_for_the_submission)
{
	FIXTURE_DATA(no_memory) data = {}, *self = &data;
	unsigned int nth, not_submitted = 0, refused = 0;
	bool failed = true;
	int ret;

	self->page_tables_kib = vm_page_tables_kib();
	open_ring(self);
	if (!fault_injection_begin("__x64_sys_io_uring_enter", NULL, false))
		SKIP(return, "The kernel injects no faults");

	for (nth = 1; failed; nth++) {
		ASSERT_LT(nth, MANY);
		create_vm(self);
		init_call(self, 1);
		map_ring_prep(&self->ring, self->vm->fd, &self->batch, 0);
		fail_nth(gettid(), nth);
		ret = io_uring_submit(&self->ring);
		failed = fail_nth_end(gettid());
		if (ret < 0) {
			not_submitted++;
			ASSERT_EQ(-EAGAIN, ret);
			ASSERT_EQ(1, io_uring_submit(&self->ring));
		}
		ret = map_ring_wait(&self->ring, NULL);
		map_ring_assert_empty(&self->ring);
		if (ret) {
			refused++;
			ASSERT_EQ(-ENOMEM, ret);
			ASSERT_EQ(NOT_WRITTEN, self->batch.bytes_mapped);
			ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));
		}
		call_again(self, BY_URING, ret ? 0 : TEST_SIZE);
		free_vm(self);
	}
	ksft_print_msg("%u allocations failed: %u submissions, %u calls\n", nth - 2,
		       not_submitted, refused);
	ASSERT_LE(1, refused + not_submitted);
	fault_injection_end();
	io_uring_queue_exit(&self->ring);
}

/* The batch is none the worse for a thread that cannot take part. */
TEST(no_memory_to_join)
{
	FIXTURE_DATA(no_memory) data = {}, *self = &data;
	struct map_thread owner;
	struct uffd_gate gate;
	int ret;

	self->page_tables_kib = vm_page_tables_kib();
	create_vm(self);
	init_call(self, 2);
	self->batch.flags = KVM_MAP_MEMORY_OWN_THREADS;
	if (!uffd_gate_close_off(&gate, self->mem, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");
	if (!fault_injection_begin("kvm_map_memory_join", NULL, false))
		SKIP(return, "The kernel injects no faults");
	map_thread_start(&owner, self->vm, MAP_BY_IOCTL, &self->batch);
	uffd_gate_wait(&gate);

	make_thread_fail(gettid(), true);
	fail_first(1);
	ret = __vm_ioctl(self->vm, KVM_MAP_MEMORY_JOIN, &self->batch) ? -errno : 0;
	make_thread_fail(gettid(), false);
	ASSERT_EQ(-ENOMEM, ret);
	fault_injection_end();

	uffd_gate_destroy(&gate);
	ASSERT_EQ(0, map_thread_join(&owner));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(1, self->batch.workers_used);
	free_vm(self);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
