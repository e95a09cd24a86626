// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Dirty logging is enabled and disabled while vCPUs write and calls map the same
 * memory: no page that was written afterwards may be missing in the log, none may
 * be there that was not, and no word that was written may get lost.
 */
#include "kvm_test_harness.h"

#include "lib/dirty_log.h"
#include "lib/host_state.h"
#include "lib/leftovers.h"
#include "lib/map_call.h"

#define TEST_SIZE	(4 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
#define OTHER_SLOT	(TEST_SLOT + 1)
#define OTHER_GPA	(TEST_GPA + 4 * TEST_SIZE)
#define NR_VCPUS	2
#define NR_WRITES	200
#define NR_ROUNDS	5
#define SEED		27182818

/*
 * A page is written by one vCPU only, so that its record is exact.  The epoch is
 * read before the write: a page of epoch N was written after N had been set.
 */
struct shared {
	uint64_t epoch;
	uint64_t pause;
	uint64_t seen[NR_VCPUS];
	uint64_t writes[NR_VCPUS];
	uint64_t epochs[TEST_PAGES];
	uint64_t values[TEST_PAGES];
};

static struct shared guest_shared;

static void write_at_random(uint64_t id)
{
	struct guest_random_state rng = new_guest_random_state(SEED + id);
	struct shared *shared = &guest_shared;

	for (;;) {
		while (!READ_ONCE(shared->pause)) {
			uint64_t epoch = READ_ONCE(shared->epoch), page, value;

			WRITE_ONCE(shared->seen[id], epoch);
			page = guest_random_u32(&rng) % (TEST_PAGES / NR_VCPUS) *
			       NR_VCPUS + id;
			value = shared->writes[id] + 1;
			WRITE_ONCE(*(uint64_t *)(TEST_GPA + page * PAGE_SIZE), value);
			shared->values[page] = value;
			shared->epochs[page] = epoch;
			WRITE_ONCE(shared->writes[id], value);
		}
		GUEST_SYNC(0);
	}
}

FIXTURE(race) {
	uint64_t page_tables_kib;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[NR_VCPUS];
	pthread_t vcpu_threads[NR_VCPUS];
	struct shared *shared;
	void *hva, *other_hva;
	struct dirty_log log;

	pthread_t map_thread;
	struct map_call call;
	bool stop;
	uint64_t nr_calls, bytes_mapped;
};

FIXTURE_VARIANT(race) {
	enum dirty_log_way way;
	enum map_call_kind kind;
	bool huge;
};

FIXTURE_VARIANT_ADD(race, bitmap_vcpu) { DIRTY_BITMAP, CALL_VCPU };
FIXTURE_VARIANT_ADD(race, bitmap_ioctl) { DIRTY_BITMAP, CALL_IOCTL };
FIXTURE_VARIANT_ADD(race, bitmap_uring) { DIRTY_BITMAP, CALL_URING };
FIXTURE_VARIANT_ADD(race, bitmap_uring_huge) { DIRTY_BITMAP, CALL_URING, true };
FIXTURE_VARIANT_ADD(race, manual_ioctl) { DIRTY_BITMAP_MANUAL, CALL_IOCTL };
FIXTURE_VARIANT_ADD(race, manual_uring) { DIRTY_BITMAP_MANUAL, CALL_URING };
FIXTURE_VARIANT_ADD(race, all_set_ioctl) { DIRTY_BITMAP_ALL_SET, CALL_IOCTL };
FIXTURE_VARIANT_ADD(race, all_set_uring) { DIRTY_BITMAP_ALL_SET, CALL_URING };
FIXTURE_VARIANT_ADD(race, all_set_ioctl_huge) { DIRTY_BITMAP_ALL_SET, CALL_IOCTL, true };
FIXTURE_VARIANT_ADD(race, ring_vcpu) { DIRTY_RING, CALL_VCPU };
FIXTURE_VARIANT_ADD(race, ring_ioctl) { DIRTY_RING, CALL_IOCTL };
FIXTURE_VARIANT_ADD(race, ring_uring) { DIRTY_RING, CALL_URING };

static void set_logging(FIXTURE_DATA(race) *self, bool on)
{
	test_slot_set(self->vm, TEST_SLOT, on ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		      TEST_GPA, TEST_SIZE, self->hva);
}

FIXTURE_SETUP(race)
{
	uint64_t id;

	self->page_tables_kib = vm_page_tables_kib();
	self->vm = test_vm_create(0, NULL);
	if (!dirty_log_choose(&self->log, self->vm, variant->way, TEST_SLOT, TEST_PAGES))
		SKIP(return, "This KVM does not log in that way");

	self->hva = test_mem_alloc(TEST_SIZE);
	if (variant->huge) {
		if (madvise(self->hva, TEST_SIZE, MADV_HUGEPAGE))
			SKIP(return, "No transparent huge pages to be had");
		memset(self->hva, 0, TEST_SIZE);
		if (thp_bytes(self->hva, TEST_SIZE) != TEST_SIZE)
			SKIP(return, "No transparent huge pages to be had");
	}
	set_logging(self, false);
	self->other_hva = test_mem_alloc(PAGE_SIZE);

	for (id = 0; id < NR_VCPUS; id++) {
		self->vcpus[id] = vm_vcpu_add(self->vm, id, write_at_random);
		vcpu_args_set(self->vcpus[id], 1, id);
	}
	self->shared = addr_gva2hva(self->vm, (vm_vaddr_t)&guest_shared);
	self->call.kind = variant->kind;
	self->call.vm = self->vm;
	/* It only lends its MMU. */
	if (variant->kind == CALL_VCPU)
		self->call.vcpu = test_vm_add_vcpu(self->vm, NR_VCPUS);
	self->call.workers = 3;
}

FIXTURE_TEARDOWN(race)
{
	free_and_assert_gone(self->vm, self->page_tables_kib);
}

static void *run_vcpu(void *data)
{
	struct kvm_vcpu *vcpu = data;
	struct ucall uc;

	vcpu_run(vcpu);
	TEST_ASSERT(get_ucall(vcpu, &uc) == UCALL_SYNC, "vCPU %u: exit reason %s",
		    vcpu->id, exit_reason_str(vcpu->run->exit_reason));
	return NULL;
}

static void resume_vcpus(FIXTURE_DATA(race) *self)
{
	int id;

	WRITE_ONCE(self->shared->pause, 0);
	for (id = 0; id < NR_VCPUS; id++)
		TEST_ASSERT(!pthread_create(&self->vcpu_threads[id], NULL, run_vcpu,
					    self->vcpus[id]), "Cannot create a thread");
}

static void pause_vcpus(FIXTURE_DATA(race) *self)
{
	int id;

	WRITE_ONCE(self->shared->pause, 1);
	for (id = 0; id < NR_VCPUS; id++)
		TEST_ASSERT(!pthread_join(self->vcpu_threads[id], NULL),
			    "Cannot join a thread");
}

/* Returns when all writes that are still to come are of the new epoch. */
static uint64_t begin_epoch(FIXTURE_DATA(race) *self)
{
	uint64_t epoch = self->shared->epoch + 1;
	int id;

	WRITE_ONCE(self->shared->epoch, epoch);
	for (id = 0; id < NR_VCPUS; id++)
		TEST_ASSERT(wait_until(READ_ONCE(self->shared->seen[id]) == epoch),
			    "vCPU %d does not get on", id);
	return epoch;
}

static void let_vcpus_write(FIXTURE_DATA(race) *self)
{
	int id;

	for (id = 0; id < NR_VCPUS; id++) {
		uint64_t writes = READ_ONCE(self->shared->writes[id]);

		TEST_ASSERT(wait_until(READ_ONCE(self->shared->writes[id]) >=
				       writes + NR_WRITES),
			    "vCPU %d does not get on", id);
	}
}

/* Slots are not changed in a way that a call may fail for. */
static void *map_all_the_time(void *data)
{
	FIXTURE_DATA(race) *self = data;

	while (!READ_ONCE(self->stop)) {
		TEST_ASSERT_EQ(map_call_run(&self->call, TEST_GPA, TEST_SIZE, 0), 0);
		self->bytes_mapped += self->call.batch.bytes_mapped;
		WRITE_ONCE(self->nr_calls, self->nr_calls + 1);
	}
	return NULL;
}

/* All roots become obsolete, so that calls have something to map. */
static void zap_all(FIXTURE_DATA(race) *self)
{
	uint64_t calls = READ_ONCE(self->nr_calls);

	test_slot_set(self->vm, OTHER_SLOT, 0, OTHER_GPA, PAGE_SIZE, self->other_hva);
	test_slot_delete(self->vm, OTHER_SLOT);
	TEST_ASSERT(wait_until(READ_ONCE(self->nr_calls) > calls),
		    "The calls do not get on");
}

static void assert_words(FIXTURE_DATA(race) *self)
{
	uint64_t page;

	for (page = 0; page < TEST_PAGES; page++)
		TEST_ASSERT(*(uint64_t *)(self->hva + page * PAGE_SIZE) ==
			    self->shared->values[page], "a write to page %lu is lost",
			    page);
}

/*
 * Pages written in the epochs from @surely on have to be in @logged, and only
 * those of @possibly and later may be.
 */
static void assert_logged(FIXTURE_DATA(race) *self, const uint8_t *logged,
			  uint64_t possibly, uint64_t surely)
{
	uint64_t page, epoch;

	for (page = 0; page < TEST_PAGES; page++) {
		epoch = self->shared->epochs[page];
		TEST_ASSERT(logged[page] ? epoch >= possibly : epoch < surely,
			    "page %lu of epoch %lu is %slogged, in epochs %lu, %lu",
			    page, epoch, logged[page] ? "" : "not ", possibly, surely);
	}
}

TEST_F_TIMEOUT(race, logging_on_and_off, 120)
{
	uint64_t before, enabled, collected;
	uint8_t logged[TEST_PAGES], both[TEST_PAGES];
	uint64_t page;
	int round;

	resume_vcpus(self);
	ASSERT_EQ(0, pthread_create(&self->map_thread, NULL, map_all_the_time, self));

	for (round = 0; round < NR_ROUNDS; round++) {
		zap_all(self);

		before = begin_epoch(self);
		set_logging(self, true);
		if (variant->way == DIRTY_BITMAP_ALL_SET)
			dirty_log_collect(&self->log, logged);
		enabled = begin_epoch(self);
		let_vcpus_write(self);

		memset(both, 0, sizeof(both));
		dirty_log_collect(&self->log, both);
		collected = begin_epoch(self);
		if (round % 2)
			zap_all(self);
		let_vcpus_write(self);
		pause_vcpus(self);

		memset(logged, 0, sizeof(logged));
		dirty_log_collect(&self->log, logged);
		assert_logged(self, logged, enabled, collected);
		for (page = 0; page < TEST_PAGES; page++)
			both[page] |= logged[page];
		assert_logged(self, both, before, enabled);
		assert_words(self);

		resume_vcpus(self);
		begin_epoch(self);
		set_logging(self, false);
		/* Entries still in the ring are of no interest. */
		if (variant->way == DIRTY_RING)
			dirty_log_collect(&self->log, logged);
	}

	WRITE_ONCE(self->stop, true);
	ASSERT_EQ(0, pthread_join(self->map_thread, NULL));
	pause_vcpus(self);
	assert_words(self);
	/* A race it was only if there was something to map. */
	ASSERT_TRUE(variant->kind == CALL_VCPU || self->bytes_mapped >= TEST_SIZE);
	TH_LOG("%lu calls mapped %lu KiB, %lu words were written", self->nr_calls,
	       self->bytes_mapped / 1024,
	       self->shared->writes[0] + self->shared->writes[1]);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
