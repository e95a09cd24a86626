// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx
/*
 * A call stands at a known page of a memslot while that slot, or another one, is
 * updated: what it does afterwards, what is left, and what the guest then sees.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/leftovers.h"
#include "lib/map_call.h"
#include "lib/uffd_gate.h"

/* A chunk below the gate, and four that begin at it or above. */
#define TEST_SIZE	(10 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
/*
 * Whole tables: of pages in one with the gate none is mapped before the gate opens,
 * if they could not be looked at without waiting, for a lock say.
 */
#define GATE_OFFSET	(2 * SZ_1M)
#define GATE_PAGES	(GATE_OFFSET / PAGE_SIZE)
#define MOVED_GPA	(TEST_GPA + 2 * TEST_SIZE)
#define OTHER_SLOT	(TEST_SLOT + 1)
#define OTHER_GPA	(TEST_GPA + 4 * TEST_SIZE)

#define OLD_WORDS	0x01d0000000ULL
#define NEW_WORDS	0x02e0000000ULL

FIXTURE(update) {
	uint64_t page_tables_kib;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva, *other_hva;
	struct uffd_gate gate;
	struct map_call call;
};

FIXTURE_VARIANT(update) {
	enum map_call_kind kind;
	uint32_t workers;
	bool zap_all;
};

FIXTURE_VARIANT_ADD(update, vcpu) { CALL_VCPU, 1, true };
FIXTURE_VARIANT_ADD(update, ioctl_1_worker) { CALL_IOCTL, 1, true };
FIXTURE_VARIANT_ADD(update, ioctl_4_workers) { CALL_IOCTL, 4, true };
FIXTURE_VARIANT_ADD(update, uring_1_worker) { CALL_URING, 1, true };
FIXTURE_VARIANT_ADD(update, uring_4_workers) { CALL_URING, 4, true };
/* With KVM_X86_QUIRK_SLOT_ZAP_ALL disabled. */
FIXTURE_VARIANT_ADD(update, vcpu_zap_slot) { CALL_VCPU, 1, false };
FIXTURE_VARIANT_ADD(update, ioctl_1_worker_zap_slot) { CALL_IOCTL, 1, false };
FIXTURE_VARIANT_ADD(update, ioctl_4_workers_zap_slot) { CALL_IOCTL, 4, false };
FIXTURE_VARIANT_ADD(update, uring_1_worker_zap_slot) { CALL_URING, 1, false };
FIXTURE_VARIANT_ADD(update, uring_4_workers_zap_slot) { CALL_URING, 4, false };

static void set_slot(FIXTURE_DATA(update) *self, uint32_t flags, uint64_t gpa)
{
	test_slot_set(self->vm, TEST_SLOT, flags, gpa, TEST_SIZE, self->hva);
}

static void write_words(void *hva, uint64_t size, uint64_t first)
{
	uint64_t i;

	for (i = 0; i < size / PAGE_SIZE; i++)
		*(uint64_t *)(hva + i * PAGE_SIZE) = first + i;
}

FIXTURE_SETUP(update)
{
	self->page_tables_kib = vm_page_tables_kib();
	self->vm = test_vm_create(1, &self->vcpu);
	if (!variant->zap_all && !test_zap_slots_alone(self->vm))
		SKIP(return, "Updating a slot always zaps all");
	self->hva = test_mem_alloc(TEST_SIZE);
	write_words(self->hva, GATE_OFFSET, OLD_WORDS);
	set_slot(self, 0, TEST_GPA);
	self->other_hva = test_mem_alloc(PAGE_SIZE);
	test_slot_set(self->vm, OTHER_SLOT, 0, OTHER_GPA, PAGE_SIZE,
		      self->other_hva);
	self->call.kind = variant->kind;
	self->call.vm = self->vm;
	self->call.vcpu = self->vcpu;
	self->call.workers = variant->workers;
	if (!uffd_gate_close_off(&self->gate, self->hva + GATE_OFFSET,
				 TEST_SIZE - GATE_OFFSET))
		SKIP(return, "userfaultfd is not permitted");
}

FIXTURE_TEARDOWN(update)
{
	free_and_assert_gone(self->vm, self->page_tables_kib);
}

/* Until all of its workers stand at the gate. */
static void start_call(FIXTURE_DATA(update) *self)
{
	uint32_t i;

	map_call_start(&self->call, TEST_GPA, TEST_SIZE, 0);
	for (i = 0; i < self->call.workers; i++)
		uffd_gate_wait(&self->gate);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), GATE_PAGES);
}

static int end_call(FIXTURE_DATA(update) *self)
{
	TEST_ASSERT(!map_call_ended(&self->call), "The call did not wait");
	uffd_gate_destroy(&self->gate);
	return map_call_join(&self->call);
}

/* The call has done what is below the gate, and nothing above it. */
static void assert_ended_at_gate(FIXTURE_DATA(update) *self)
{
	TEST_ASSERT_EQ(self->call.mapping.base_address, TEST_GPA + GATE_OFFSET);
	if (self->call.kind != CALL_VCPU) {
		TEST_ASSERT_EQ(self->call.batch.bytes_mapped, GATE_OFFSET);
		TEST_ASSERT_EQ(self->call.batch.bytes_present, 0);
		TEST_ASSERT_EQ(self->call.batch.bytes_skipped, 0);
	}
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), 0);
}

static void map_all_and_use(FIXTURE_DATA(update) *self, uint64_t gpa)
{
	TEST_ASSERT_EQ(map_call_run(&self->call, gpa, TEST_SIZE, 0), 0);
	assert_call_done(&self->call, TEST_SIZE, 0);
	TEST_ASSERT_EQ(guest_verify(self->vcpu, gpa, GATE_OFFSET, OLD_WORDS), 0);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, gpa, TEST_SIZE, self->hva), 0);
}

TEST_F(update, slot_deleted)
{
	start_call(self);
	test_slot_delete(self->vm, TEST_SLOT);
	ASSERT_EQ(-ENOENT, end_call(self));
	assert_ended_at_gate(self);
	ASSERT_TRUE(guest_meets_mmio(self->vcpu, TEST_GPA, PASS_READ));
	ASSERT_TRUE(guest_meets_mmio(self->vcpu, TEST_GPA + GATE_OFFSET, PASS_WRITE));

	set_slot(self, 0, TEST_GPA);
	map_all_and_use(self, TEST_GPA);
}

TEST_F(update, slot_moved)
{
	start_call(self);
	set_slot(self, 0, MOVED_GPA);
	ASSERT_EQ(-ENOENT, end_call(self));
	assert_ended_at_gate(self);
	map_all_and_use(self, MOVED_GPA);
	ASSERT_TRUE(guest_meets_mmio(self->vcpu, TEST_GPA, PASS_READ));
	ASSERT_TRUE(guest_meets_mmio(self->vcpu, TEST_GPA + GATE_OFFSET, PASS_READ));
}

/* The call goes on in the new memory, and in no page of the old. */
TEST_F(update, slot_replaced)
{
	void *old = self->hva;
	uint64_t i;

	start_call(self);
	test_slot_delete(self->vm, TEST_SLOT);
	self->hva = test_mem_alloc(TEST_SIZE);
	write_words(self->hva, TEST_SIZE, NEW_WORDS);
	set_slot(self, 0, TEST_GPA);
	ASSERT_EQ(0, end_call(self));
	assert_call_done(&self->call, TEST_SIZE, 0);
	ASSERT_EQ(TEST_PAGES - GATE_PAGES, vm_get_stat(self->vm, "pages_4k"));

	/* The work that the call had done before went with the old slot. */
	ASSERT_EQ(0, guest_verify(self->vcpu, TEST_GPA + GATE_OFFSET,
				  TEST_SIZE - GATE_OFFSET, NEW_WORDS + GATE_PAGES));
	ASSERT_EQ(GATE_PAGES, guest_verify(self->vcpu, TEST_GPA, GATE_OFFSET, NEW_WORDS));
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
	for (i = 0; i < TEST_PAGES; i++)
		ASSERT_EQ(i < GATE_PAGES ? OLD_WORDS + i : 0,
			  *(uint64_t *)(old + i * PAGE_SIZE));
}

/* KVM makes no slot read-only: it is deleted, and created anew. */
TEST_F(update, slot_made_read_only)
{
	start_call(self);
	ASSERT_EQ(-1, __vm_set_user_memory_region(self->vm, TEST_SLOT,
						  KVM_MEM_READONLY, TEST_GPA,
						  TEST_SIZE, self->hva));
	ASSERT_EQ(EINVAL, errno);
	test_slot_delete(self->vm, TEST_SLOT);
	set_slot(self, KVM_MEM_READONLY, TEST_GPA);
	ASSERT_EQ(0, end_call(self));
	assert_call_done(&self->call, TEST_SIZE, 0);

	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA + GATE_OFFSET,
				TEST_SIZE - GATE_OFFSET));
	ASSERT_EQ(GATE_PAGES, guest_verify(self->vcpu, TEST_GPA, GATE_OFFSET, OLD_WORDS));
	ASSERT_TRUE(guest_meets_mmio(self->vcpu, TEST_GPA, PASS_WRITE));
	ASSERT_TRUE(guest_meets_mmio(self->vcpu, TEST_GPA + GATE_OFFSET, PASS_WRITE));
	ASSERT_EQ(OLD_WORDS, *(uint64_t *)self->hva);
}

/* The roots of all workers become obsolete, or nothing happens to them. */
static void expect_lost(FIXTURE_DATA(update) *self, bool lost)
{
	TEST_ASSERT_EQ(end_call(self), 0);
	assert_call_done(&self->call, TEST_SIZE, 0);
	TEST_ASSERT_EQ(guest_read(self->vcpu, TEST_GPA + GATE_OFFSET,
				  TEST_SIZE - GATE_OFFSET), 0);
	TEST_ASSERT_EQ(guest_verify(self->vcpu, TEST_GPA, GATE_OFFSET, OLD_WORDS),
		       lost ? GATE_PAGES : 0);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE,
					self->hva), 0);
}

TEST_F(update, other_slot_deleted)
{
	start_call(self);
	test_slot_delete(self->vm, OTHER_SLOT);
	expect_lost(self, variant->zap_all);
}

TEST_F(update, other_slot_moved)
{
	start_call(self);
	test_slot_set(self->vm, OTHER_SLOT, 0, OTHER_GPA + SZ_1M, PAGE_SIZE,
		      self->other_hva);
	expect_lost(self, variant->zap_all);
}

TEST_F(update, other_slot_created)
{
	start_call(self);
	test_slot_set(self->vm, OTHER_SLOT + 1, 0, OTHER_GPA + SZ_1M, PAGE_SIZE,
		      test_mem_alloc(PAGE_SIZE));
	expect_lost(self, false);
}

static void assert_logged_every(FIXTURE_DATA(update) *self, uint64_t stride)
{
	uint64_t bitmap[TEST_PAGES / 64], i;

	kvm_vm_get_dirty_log(self->vm, TEST_SLOT, bitmap);
	for (i = 0; i < TEST_PAGES; i++)
		TEST_ASSERT_EQ(bitmap[i / 64] >> i % 64 & 1,
			       stride && i % stride == 0);
}

TEST_F(update, logging_enabled)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = (TEST_PAGES + 2) / 3,
		.stride = 3,
		.ops = PASS_WRITE,
	};

	start_call(self);
	set_slot(self, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA);
	ASSERT_EQ(0, end_call(self));
	assert_call_done(&self->call, TEST_SIZE, 0);
	ASSERT_EQ(TEST_PAGES, vm_get_stat(self->vm, "pages_4k"));
	assert_logged_every(self, 0);
	guest_pass(self->vcpu, &pass);
	assert_logged_every(self, 3);
	assert_logged_every(self, 0);
}

/* Pages mapped clean stay so, new ones are writable at once. */
TEST_F(update, logging_disabled)
{
	set_slot(self, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA);
	start_call(self);
	set_slot(self, 0, TEST_GPA);
	ASSERT_EQ(0, end_call(self));
	assert_call_done(&self->call, TEST_SIZE, 0);
	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA + GATE_OFFSET,
				 TEST_SIZE - GATE_OFFSET));
	ASSERT_EQ(GATE_PAGES, guest_write(self->vcpu, TEST_GPA, GATE_OFFSET));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
