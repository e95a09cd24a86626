// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
// testvm:
// testvm: --cpus 4
// testvm: --cpus 16
// testvm: --cpu -la57
// testvm: --numa 2 --append numa_balancing=disable
// debug:
// debug: --cpus 4
// vmx:
/*
 * Calls map a range all the time while its memslot is replaced, moved, logged and
 * made read-only.  After each update, with calls still under way, the guest must
 * see what the memslot is now, and nothing of what it was.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/leftovers.h"
#include "lib/map_call.h"

#define TEST_SIZE	(4 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
/* The guest looks at these; what is above is there for calls to bring in. */
#define USED_PAGES	(TEST_PAGES / 4 * 3)
#define WINDOW_PAGES	32
#define MOVED_GPA	(TEST_GPA + 2 * TEST_SIZE)
#define OTHER_SLOT	(TEST_SLOT + 1)
#define OTHER_GPA	(TEST_GPA + 4 * TEST_SIZE)
#define NR_ROUNDS	80
#define SEED		20241117

FIXTURE(race) {
	uint64_t page_tables_kib;
	struct kvm_vm *vm;
	/* One for the guest, one for calls. */
	struct kvm_vcpu *vcpus[2];
	struct guest_random_state rng;

	/* The slot as it is now. */
	void *memory[2], *other_hva;
	unsigned int current;
	uint64_t gpa;
	uint32_t flags;
	bool other_exists;

	pthread_t thread;
	struct map_call call;
	bool stop;
	uint64_t nr_calls, nr_done, nr_eagain, nr_enoent;
};

FIXTURE_VARIANT(race) {
	enum map_call_kind kind;
	uint32_t workers;
	bool zap_all;
};

FIXTURE_VARIANT_ADD(race, vcpu) { CALL_VCPU, 1, true };
FIXTURE_VARIANT_ADD(race, ioctl_1_worker) { CALL_IOCTL, 1, true };
FIXTURE_VARIANT_ADD(race, ioctl_4_workers) { CALL_IOCTL, 4, true };
FIXTURE_VARIANT_ADD(race, uring_1_worker) { CALL_URING, 1, true };
FIXTURE_VARIANT_ADD(race, uring_4_workers) { CALL_URING, 4, true };
/* With KVM_X86_QUIRK_SLOT_ZAP_ALL disabled. */
FIXTURE_VARIANT_ADD(race, vcpu_zap_slot) { CALL_VCPU, 1, false };
FIXTURE_VARIANT_ADD(race, ioctl_1_worker_zap_slot) { CALL_IOCTL, 1, false };
FIXTURE_VARIANT_ADD(race, ioctl_4_workers_zap_slot) { CALL_IOCTL, 4, false };
FIXTURE_VARIANT_ADD(race, uring_1_worker_zap_slot) { CALL_URING, 1, false };
FIXTURE_VARIANT_ADD(race, uring_4_workers_zap_slot) { CALL_URING, 4, false };

static uint64_t first_word(FIXTURE_DATA(race) *self)
{
	return (self->current + 1) * 0x0100000000ULL;
}

static uint64_t *word_at(void *memory, uint64_t page)
{
	return memory + page * PAGE_SIZE;
}

static void set_slot(FIXTURE_DATA(race) *self)
{
	test_slot_set(self->vm, TEST_SLOT, self->flags, self->gpa, TEST_SIZE,
		      self->memory[self->current]);
}

static void set_other_slot(FIXTURE_DATA(race) *self)
{
	test_slot_set(self->vm, OTHER_SLOT, 0, OTHER_GPA, PAGE_SIZE, self->other_hva);
	self->other_exists = true;
}

FIXTURE_SETUP(race)
{
	uint64_t i;

	self->page_tables_kib = vm_page_tables_kib();
	self->vm = test_vm_create(2, self->vcpus);
	self->rng = new_guest_random_state(SEED);
	if (!variant->zap_all && !test_zap_slots_alone(self->vm))
		SKIP(return, "Updating a slot always zaps all");

	for (self->current = 0; self->current < 2; self->current++) {
		self->memory[self->current] = test_mem_alloc(TEST_SIZE);
		for (i = 0; i < USED_PAGES; i++)
			*word_at(self->memory[self->current], i) = first_word(self) + i;
	}
	self->current = 0;
	self->gpa = TEST_GPA;
	set_slot(self);
	self->other_hva = test_mem_alloc(PAGE_SIZE);
	set_other_slot(self);

	self->call.kind = variant->kind;
	self->call.vm = self->vm;
	self->call.vcpu = self->vcpus[1];
	self->call.workers = variant->workers;
}

FIXTURE_TEARDOWN(race)
{
	free_and_assert_gone(self->vm, self->page_tables_kib);
}

static void *map_all_the_time(void *data)
{
	FIXTURE_DATA(race) *self = data;

	while (!READ_ONCE(self->stop)) {
		switch (map_call_run(&self->call, TEST_GPA, TEST_SIZE, 0)) {
		case 0:
			self->nr_done++;
			break;
		case -EAGAIN:
			self->nr_eagain++;
			break;
		case -ENOENT:
			self->nr_enoent++;
			break;
		default:
			TEST_FAIL("A call returned %d", self->call.result);
		}
		WRITE_ONCE(self->nr_calls, self->nr_calls + 1);
	}
	return NULL;
}

static void replace_slot(FIXTURE_DATA(race) *self, uint32_t flags)
{
	void *old = self->memory[self->current];

	test_slot_delete(self->vm, TEST_SLOT);
	self->current = !self->current;
	self->flags = flags;
	set_slot(self);
	/* So that there is something to bring in, the next time. */
	TEST_ASSERT(!madvise(word_at(old, USED_PAGES),
			     (TEST_PAGES - USED_PAGES) * PAGE_SIZE, MADV_DONTNEED),
		    "MADV_DONTNEED failed");
}

static void update_slots(FIXTURE_DATA(race) *self)
{
	switch (guest_random_u32(&self->rng) % 5) {
	case 0:
		replace_slot(self, 0);
		break;
	case 1:
		replace_slot(self, KVM_MEM_READONLY);
		break;
	case 2:
		self->gpa = self->gpa == TEST_GPA ? MOVED_GPA : TEST_GPA;
		set_slot(self);
		break;
	case 3:
		if (!(self->flags & KVM_MEM_READONLY))
			self->flags ^= KVM_MEM_LOG_DIRTY_PAGES;
		set_slot(self);
		break;
	case 4:
		if (self->other_exists)
			test_slot_delete(self->vm, OTHER_SLOT);
		else
			set_other_slot(self);
		self->other_exists = !self->other_exists;
		break;
	}
}

static void assert_window_logged(FIXTURE_DATA(race) *self, uint64_t window)
{
	uint64_t bitmap[TEST_PAGES / 64], i;

	kvm_vm_get_dirty_log(self->vm, TEST_SLOT, bitmap);
	for (i = 0; i < TEST_PAGES; i++)
		TEST_ASSERT_EQ(bitmap[i / 64] >> i % 64 & 1,
			       i >= window && i < window + WINDOW_PAGES);
}

/* The guest reads a part of the slot, and writes the same words, if it may. */
static void look_at_slot(FIXTURE_DATA(race) *self)
{
	uint64_t window = guest_random_u32(&self->rng) % (USED_PAGES - WINDOW_PAGES);
	struct guest_pass pass = {
		.gpa = self->gpa + window * PAGE_SIZE,
		.nr_pages = WINDOW_PAGES,
		.ops = PASS_READ | PASS_VERIFY,
		.expect = first_word(self) + window,
		.value = first_word(self) + window,
	};

	if (!(self->flags & KVM_MEM_READONLY))
		pass.ops |= PASS_WRITE;
	guest_pass_run(self->vcpus[0], &pass);

	if (self->flags & KVM_MEM_READONLY)
		TEST_ASSERT(guest_meets_mmio(self->vcpus[0], pass.gpa, PASS_WRITE),
			    "The guest writes to a read-only slot");
	if (self->flags & KVM_MEM_LOG_DIRTY_PAGES)
		assert_window_logged(self, window);
	TEST_ASSERT(guest_meets_mmio(self->vcpus[0], pass.gpa ^ TEST_GPA ^ MOVED_GPA,
				     PASS_READ),
		    "The guest finds memory where the slot was before it moved");
}

TEST_F_TIMEOUT(race, updates, 120)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = USED_PAGES,
		.ops = PASS_READ | PASS_VERIFY | PASS_WRITE,
	};
	uint64_t calls, i;
	int round;

	ASSERT_EQ(0, pthread_create(&self->thread, NULL, map_all_the_time, self));
	for (round = 0; round < NR_ROUNDS; round++) {
		calls = READ_ONCE(self->nr_calls);
		update_slots(self);
		look_at_slot(self);
		/* Otherwise calls might never see the slot in its place. */
		if (round % 4 == 0)
			ASSERT_TRUE(wait_until(READ_ONCE(self->nr_calls) > calls));
	}
	WRITE_ONCE(self->stop, true);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	TH_LOG("%lu calls during %d updates: %lu done, %lu EAGAIN, %lu ENOENT",
	       self->nr_calls, NR_ROUNDS, self->nr_done, self->nr_eagain,
	       self->nr_enoent);
	ASSERT_LE(1, self->nr_done);
	ASSERT_LE(1, self->nr_enoent);

	/* Now that all is quiet: all of it, page by page. */
	self->gpa = TEST_GPA;
	replace_slot(self, 0);
	ASSERT_EQ(0, map_call_run(&self->call, TEST_GPA, TEST_SIZE, 0));
	assert_call_done(&self->call, TEST_SIZE, 0);
	pass.expect = pass.value = first_word(self);
	ASSERT_EQ(0, guest_pass(self->vcpus[0], &pass));
	for (i = 0; i < 2 * USED_PAGES; i++) {
		self->current = i / USED_PAGES;
		ASSERT_EQ(first_word(self) + i % USED_PAGES,
			  *word_at(self->memory[self->current], i % USED_PAGES));
	}
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
