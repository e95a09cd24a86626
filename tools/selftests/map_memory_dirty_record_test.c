// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx
/*
 * The guest writes pages at random and keeps a record of them.  The dirty log has to
 * be that record, whatever was mapped before and in between, and
 * whichever way the log is kept.
 */
#include "kvm_test_harness.h"

#include "lib/dirty_log.h"
#include "lib/host_state.h"
#include "lib/map_call.h"

#define TEST_SIZE	(4 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
#define NR_VCPUS	2
#define NR_WRITES	200
#define NR_ROUNDS	4
#define SEED		6180339

/* In slot 0, which is not logged, as is all else that the guest needs. */
static struct {
	uint32_t seeds[NR_VCPUS];
	uint8_t written[NR_VCPUS][TEST_PAGES];
} record;

static void write_at_random(uint64_t id)
{
	for (;;) {
		struct guest_random_state rng;
		uint64_t page;
		int i;

		rng = new_guest_random_state(record.seeds[id]);
		for (i = 0; i < NR_WRITES; i++) {
			page = guest_random_u32(&rng) % TEST_PAGES;
			WRITE_ONCE(*(uint64_t *)(TEST_GPA + page * PAGE_SIZE), page);
			record.written[id][page] = 1;
		}
		GUEST_SYNC(0);
	}
}

FIXTURE(dirty) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[NR_VCPUS];
	void *hva;
	struct dirty_log log;
	struct map_call call;
	uint32_t seed;
};

FIXTURE_VARIANT(dirty) {
	enum dirty_log_way way;
	enum map_call_kind kind;
};

FIXTURE_VARIANT_ADD(dirty, bitmap_vcpu) { DIRTY_BITMAP, CALL_VCPU };
FIXTURE_VARIANT_ADD(dirty, bitmap_ioctl) { DIRTY_BITMAP, CALL_IOCTL };
FIXTURE_VARIANT_ADD(dirty, bitmap_uring) { DIRTY_BITMAP, CALL_URING };
FIXTURE_VARIANT_ADD(dirty, manual_vcpu) { DIRTY_BITMAP_MANUAL, CALL_VCPU };
FIXTURE_VARIANT_ADD(dirty, manual_ioctl) { DIRTY_BITMAP_MANUAL, CALL_IOCTL };
FIXTURE_VARIANT_ADD(dirty, manual_uring) { DIRTY_BITMAP_MANUAL, CALL_URING };
FIXTURE_VARIANT_ADD(dirty, all_set_vcpu) { DIRTY_BITMAP_ALL_SET, CALL_VCPU };
FIXTURE_VARIANT_ADD(dirty, all_set_ioctl) { DIRTY_BITMAP_ALL_SET, CALL_IOCTL };
FIXTURE_VARIANT_ADD(dirty, all_set_uring) { DIRTY_BITMAP_ALL_SET, CALL_URING };
FIXTURE_VARIANT_ADD(dirty, ring_vcpu) { DIRTY_RING, CALL_VCPU };
FIXTURE_VARIANT_ADD(dirty, ring_ioctl) { DIRTY_RING, CALL_IOCTL };
FIXTURE_VARIANT_ADD(dirty, ring_uring) { DIRTY_RING, CALL_URING };

FIXTURE_SETUP(dirty)
{
	uint64_t id;

	self->vm = test_vm_create(0, NULL);
	if (!dirty_log_choose(&self->log, self->vm, variant->way, TEST_SLOT, TEST_PAGES))
		SKIP(return, "This KVM does not log in that way");

	for (id = 0; id < NR_VCPUS; id++) {
		self->vcpus[id] = vm_vcpu_add(self->vm, id, write_at_random);
		vcpu_args_set(self->vcpus[id], 1, id);
	}
	self->hva = test_mem_alloc(TEST_SIZE);
	self->seed = SEED;
	self->call.kind = variant->kind;
	self->call.vm = self->vm;
	self->call.vcpu = self->vcpus[0];
	self->call.workers = 2;
}

FIXTURE_TEARDOWN(dirty)
{
	kvm_vm_free(self->vm);
}

static void set_logging(FIXTURE_DATA(dirty) *self, bool on)
{
	test_slot_set(self->vm, TEST_SLOT, on ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		      TEST_GPA, TEST_SIZE, self->hva);
}

static void assert_nothing_logged(FIXTURE_DATA(dirty) *self)
{
	uint8_t logged[TEST_PAGES] = {};

	TEST_ASSERT_EQ(dirty_log_collect(&self->log, logged), 0);
}

/* Begins with a clean log, whatever it was when logging was enabled. */
static void begin_log(FIXTURE_DATA(dirty) *self)
{
	uint8_t logged[TEST_PAGES] = {};

	set_logging(self, true);
	if (self->log.way == DIRTY_BITMAP_ALL_SET)
		TEST_ASSERT_EQ(dirty_log_collect(&self->log, logged), TEST_PAGES);
	assert_nothing_logged(self);
}

/* All is mapped in the end; how much of it was before is up to the test. */
static void map_all(FIXTURE_DATA(dirty) *self)
{
	const struct kvm_map_memory_batch *batch = &self->call.batch;

	TEST_ASSERT_EQ(map_call_run(&self->call, TEST_GPA, TEST_SIZE, 0), 0);
	if (self->call.kind != CALL_VCPU)
		TEST_ASSERT_EQ(batch->bytes_mapped + batch->bytes_present, TEST_SIZE);
}

static void write_round(FIXTURE_DATA(dirty) *self)
{
	struct ucall uc;
	int id;

	memset(record.written, 0, sizeof(record.written));
	for (id = 0; id < NR_VCPUS; id++)
		record.seeds[id] = self->seed++;
	sync_global_to_guest(self->vm, record);
	for (id = 0; id < NR_VCPUS; id++) {
		vcpu_run(self->vcpus[id]);
		TEST_ASSERT_EQ(get_ucall(self->vcpus[id], &uc), UCALL_SYNC);
	}
	sync_global_from_guest(self->vm, record);
}

static void assert_logged_is_record(FIXTURE_DATA(dirty) *self)
{
	uint8_t logged[TEST_PAGES] = {};
	uint64_t page, count = 0;

	dirty_log_collect(&self->log, logged);
	for (page = 0; page < TEST_PAGES; page++) {
		bool written = record.written[0][page] || record.written[1][page];

		TEST_ASSERT(logged[page] == written,
			    "page %lu was %swritten and %slogged (seed %u)", page,
			    written ? "" : "not ", logged[page] ? "" : "not ",
			    self->seed - 1);
		count += written;
	}
	TEST_ASSERT(count > NR_WRITES / 2, "The guest wrote %lu pages only", count);
}

static void write_and_compare(FIXTURE_DATA(dirty) *self)
{
	int round;

	for (round = 0; round < NR_ROUNDS; round++) {
		write_round(self);
		/* Over clean pages and dirty ones; it changes neither. */
		if (round % 2)
			map_all(self);
		assert_logged_is_record(self);
		assert_nothing_logged(self);
	}
}

TEST_F(dirty, mapped_while_logged)
{
	begin_log(self);
	map_all(self);
	assert_call_done(&self->call, TEST_SIZE, 0);
	assert_nothing_logged(self);
	write_and_compare(self);
}

TEST_F(dirty, mapped_before_logged)
{
	set_logging(self, false);
	map_all(self);
	assert_call_done(&self->call, TEST_SIZE, 0);
	begin_log(self);
	map_all(self);
	assert_nothing_logged(self);
	write_and_compare(self);
}

/* The job comes between the guest's writes and the first look at the log. */
TEST_F(dirty, mapped_after_writes)
{
	begin_log(self);
	write_round(self);
	map_all(self);
	assert_logged_is_record(self);
	assert_nothing_logged(self);
	write_and_compare(self);
}

static bool set_huge_pages(FIXTURE_DATA(dirty) *self)
{
	if (madvise(self->hva, TEST_SIZE, MADV_HUGEPAGE))
		return false;
	memset(self->hva, 1, TEST_SIZE);
	return thp_bytes(self->hva, TEST_SIZE) == TEST_SIZE;
}

static void assert_mapped_small(FIXTURE_DATA(dirty) *self)
{
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_2m"), 0);
	TEST_ASSERT(vm_get_stat(self->vm, "pages_4k") >= TEST_PAGES,
		    "%lu pages are mapped, of %llu",
		    vm_get_stat(self->vm, "pages_4k"), TEST_PAGES);
}

TEST_F(dirty, huge_pages_mapped_while_logged)
{
	if (!set_huge_pages(self))
		SKIP(return, "No transparent huge pages to be had");

	begin_log(self);
	map_all(self);
	assert_call_done(&self->call, TEST_SIZE, 0);
	ASSERT_EQ(TEST_PAGES, vm_get_stat(self->vm, "pages_4k"));
	assert_mapped_small(self);
	assert_nothing_logged(self);
	write_and_compare(self);
	assert_mapped_small(self);
}

TEST_F(dirty, huge_pages_mapped_before_logged)
{
	if (!set_huge_pages(self))
		SKIP(return, "No transparent huge pages to be had");

	set_logging(self, false);
	map_all(self);
	assert_call_done(&self->call, TEST_SIZE, 0);
	ASSERT_EQ(TEST_SIZE / SZ_2M, vm_get_stat(self->vm, "pages_2m"));
	begin_log(self);
	map_all(self);
	assert_mapped_small(self);
	assert_nothing_logged(self);
	write_and_compare(self);
	assert_mapped_small(self);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
