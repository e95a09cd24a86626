// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Two ways to hang KVM_PRE_FAULT_MEMORY of Linux 6.12, until a signal comes, and
 * the calls of this project, which go the same ways and do not hang:
 *
 * - A memslot is deleted that the call has not reached yet.  The call waits for
 *   the deletion to end, and the deletion for the call, an SRCU reader.
 * - A memslot was deleted, and so all roots became obsolete.  The call takes
 *   every fault for stale, but does not replace the root.
 */
#include <signal.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/leftovers.h"
#include "lib/map_call.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(8 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
/* Just below the test slot, so that one range spans both. */
#define GATE_SLOT	(TEST_SLOT + 1)
#define GATE_GPA	(TEST_GPA - PAGE_SIZE)
#define OTHER_SLOT	(TEST_SLOT + 2)
#define OTHER_GPA	(TEST_GPA + 2 * TEST_SIZE)
/*
 * A call that uses this much CPU time without any progress hangs.  Calls that do
 * not hang use less than a thousandth of it for a page.
 */
#define HUNG_MS		1000

FIXTURE(hang) {
	uint64_t page_tables_kib;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	struct uffd_gate gate;
	struct map_call call;
	pthread_t deleter;
	bool deleted;
};

FIXTURE_VARIANT(hang) {
	enum map_call_kind kind;
	uint32_t workers;
	uint64_t flags;
};

FIXTURE_VARIANT_ADD(hang, pre_fault) { .kind = CALL_PRE_FAULT };
FIXTURE_VARIANT_ADD(hang, vcpu) { .kind = CALL_VCPU };
FIXTURE_VARIANT_ADD(hang, ioctl_1_worker) { .kind = CALL_IOCTL, .workers = 1 };
FIXTURE_VARIANT_ADD(hang, ioctl_4_workers) { .kind = CALL_IOCTL, .workers = 4 };
FIXTURE_VARIANT_ADD(hang, uring_1_worker) { .kind = CALL_URING, .workers = 1 };
FIXTURE_VARIANT_ADD(hang, uring_4_workers) { .kind = CALL_URING, .workers = 4 };
/* As KVM_PRE_FAULT_MEMORY does, these wait for a page inside SRCU. */
FIXTURE_VARIANT_ADD(hang, vcpu_read) {
	.kind = CALL_VCPU, .flags = KVM_MEMORY_MAPPING_READ,
};

FIXTURE_VARIANT_ADD(hang, ioctl_read) {
	.kind = CALL_IOCTL, .workers = 1, .flags = KVM_MEMORY_MAPPING_READ,
};

FIXTURE_VARIANT_ADD(hang, uring_read) {
	.kind = CALL_URING, .workers = 1, .flags = KVM_MEMORY_MAPPING_READ,
};

static void interrupt(int sig)
{
}

FIXTURE_SETUP(hang)
{
	/* No SA_RESTART. */
	struct sigaction action = { .sa_handler = interrupt };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	self->page_tables_kib = vm_page_tables_kib();
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_mem_alloc(TEST_SIZE);
	memset(self->hva, 1, TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	self->call.kind = variant->kind;
	self->call.vm = self->vm;
	self->call.vcpu = self->vcpu;
	self->call.workers = variant->workers;
}

FIXTURE_TEARDOWN(hang)
{
	free_and_assert_gone(self->vm, self->page_tables_kib);
}

/*
 * Nothing is left to wait for: the call either ends, or does nothing but use up
 * CPU time once @pages are mapped.
 */
static bool hangs(struct map_call *call, uint64_t pages)
{
	uint64_t start = map_call_cpu_ms(call);

	TEST_ASSERT(wait_until(map_call_ended(call) ||
			       map_call_cpu_ms(call) - start >= HUNG_MS),
		    "The call neither ends nor runs");
	if (map_call_ended(call))
		return false;

	TEST_ASSERT_EQ(vm_get_stat(call->vm, "pages_4k"), pages);
	return true;
}

static void *delete_slot(void *data)
{
	FIXTURE_DATA(hang) *self = data;

	test_slot_delete(self->vm, TEST_SLOT);
	__atomic_store_n(&self->deleted, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool slot_is_deleted(FIXTURE_DATA(hang) *self)
{
	return __atomic_load_n(&self->deleted, __ATOMIC_ACQUIRE);
}

/* Whether other calls find the slot being deleted, or gone. */
static bool deletion_has_begun(FIXTURE_DATA(hang) *self)
{
	int result = map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, PAGE_SIZE, 0, 1,
			       NULL);

	return result == -EAGAIN || result == -ENOENT;
}

/*
 * The call stands in the slot below, at a page that userfaultfd keeps back, when
 * the deletion begins.
 */
static bool delete_slot_meanwhile(FIXTURE_DATA(hang) *self, uint64_t flags)
{
	void *gate = test_mem_alloc(PAGE_SIZE);

	if (!uffd_gate_close_off(&self->gate, gate, PAGE_SIZE))
		return false;

	test_slot_set(self->vm, GATE_SLOT, 0, GATE_GPA, PAGE_SIZE, gate);
	map_call_start(&self->call, GATE_GPA, PAGE_SIZE + TEST_SIZE, flags);
	TEST_ASSERT_EQ(uffd_gate_wait(&self->gate), gate);
	TEST_ASSERT(!pthread_create(&self->deleter, NULL, delete_slot, self) &&
		    wait_until(deletion_has_begun(self)),
		    "The deletion does not begin");
	return true;
}

/* A call that wants to write does not hold up the deletion. */
static void assert_deletion_waits(FIXTURE_DATA(hang) *self, bool waits)
{
	if (waits)
		TEST_ASSERT(!slot_is_deleted(self),
			    "The deletion did not wait for an SRCU reader");
	else
		TEST_ASSERT(wait_until(slot_is_deleted(self)),
			    "The deletion waits for a call outside SRCU");
}

TEST_F_TIMEOUT(hang, slot_deleted_meanwhile, 60)
{
	bool hung = false;
	uint64_t pages;
	int result;

	if (!delete_slot_meanwhile(self, variant->flags))
		SKIP(return, "userfaultfd is not permitted");

	assert_deletion_waits(self, variant->kind == CALL_PRE_FAULT || variant->flags);

	pages = vm_get_stat(self->vm, "pages_4k");
	uffd_gate_release(&self->gate, self->gate.hva, PAGE_SIZE);
	if (variant->kind == CALL_PRE_FAULT) {
		hung = hangs(&self->call, pages + 1);
		if (hung) {
			ASSERT_FALSE(slot_is_deleted(self));
			ASSERT_EQ(0, pthread_kill(self->call.thread, SIGUSR1));
		}
		/* That the gate's page was mapped counts as success. */
		ASSERT_EQ(0, map_call_join(&self->call));
		ASSERT_EQ(TEST_GPA, self->call.mapping.base_address);
	} else {
		result = map_call_join(&self->call);
		/* Other workers may have mapped all of the slot before. */
		ASSERT_TRUE(result == -EAGAIN || result == -ENOENT ||
			    (!result && variant->workers > 1));
		ASSERT_LE(TEST_GPA, self->call.mapping.base_address);
		ASSERT_TRUE(self->call.mapping.base_address == TEST_GPA ||
			    variant->workers > 1);
	}
	ASSERT_TRUE(wait_until(slot_is_deleted(self)));
	ASSERT_EQ(0, pthread_join(self->deleter, NULL));
	uffd_gate_destroy(&self->gate);

	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	ASSERT_EQ(TEST_PAGES, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE,
					       self->hva));
	if (variant->kind == CALL_PRE_FAULT && !hung)
		SKIP(return, "KVM_PRE_FAULT_MEMORY of this kernel does not hang");
}

static void add_other_slot(FIXTURE_DATA(hang) *self)
{
	test_slot_set(self->vm, OTHER_SLOT, 0, OTHER_GPA, PAGE_SIZE,
		      test_mem_alloc(PAGE_SIZE));
}

/*
 * A call of the other kinds must leave nothing bad behind: neither the vCPU
 * nor helpers of earlier jobs may go on with what they had.
 */
TEST_F_TIMEOUT(hang, another_slot_deleted_before, 60)
{
	struct map_call *call = &self->call;

	add_other_slot(self);
	ASSERT_EQ(0, map_call_run(call, TEST_GPA, TEST_SIZE, variant->flags));
	assert_call_done(call, TEST_SIZE, 0);
	test_slot_delete(self->vm, OTHER_SLOT);
	ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));

	map_call_start(call, TEST_GPA, TEST_SIZE, variant->flags);
	if (variant->kind != CALL_PRE_FAULT) {
		ASSERT_EQ(0, map_call_join(call));
		assert_call_done(call, TEST_SIZE, 0);
	} else if (hangs(call, 0)) {
		ASSERT_EQ(0, pthread_kill(call->thread, SIGUSR1));
		ASSERT_EQ(-EINTR, map_call_join(call));
		ASSERT_EQ(TEST_GPA, call->mapping.base_address);
		ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));

		/* KVM_RUN replaces the root, and that is all that was missing. */
		ASSERT_EQ(1, guest_read(self->vcpu, TEST_GPA, PAGE_SIZE));
		ASSERT_EQ(0, map_call_run(call, TEST_GPA, TEST_SIZE, 0));
		assert_call_done(call, 0, 0);
	} else {
		ASSERT_EQ(0, map_call_join(call));
		SKIP(return, "KVM_PRE_FAULT_MEMORY of this kernel does not hang");
	}
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

/* The counterpart: where a deletion leaves roots alone nothing hangs. */
TEST_F(hang, another_slot_deleted_without_zapping_all)
{
	struct map_call *call = &self->call;

	if (!test_zap_slots_alone(self->vm))
		SKIP(return, "Deleting a slot always zaps all");

	add_other_slot(self);
	ASSERT_EQ(0, map_call_run(call, TEST_GPA, TEST_SIZE, variant->flags));
	assert_call_done(call, TEST_SIZE, 0);
	test_slot_delete(self->vm, OTHER_SLOT);
	map_call_start(call, TEST_GPA, TEST_SIZE, variant->flags);
	ASSERT_EQ(0, map_call_join(call));
	assert_call_done(call, 0, TEST_SIZE);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_PRE_FAULT_MEMORY));
	return test_harness_run(argc, argv);
}
