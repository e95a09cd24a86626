// SPDX-License-Identifier: GPL-2.0
// quick: svm
// testvm: --cpus 1
/*
 * A job that goes on and on, on the only CPU, keeps nobody from working: neither the
 * guest, nor updates of memslots, nor other jobs, those of other VMs included.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

/* The job: the same memory many times over, which is terabytes. */
#define LONG_SIZE	(32ULL * SZ_1M)
#define LONG_NR		KVM_MAP_MEMORY_MAX_MAPPINGS
#define NOT_WRITTEN	0xeeeeeeeeU

#define ROUNDS		10
#define ROUND_PAGES	64
#define ROUND_SIZE	(ROUND_PAGES * PAGE_SIZE)
#define OTHER_SLOT	(TEST_SLOT + 1)
#define OTHER_GPA	(TEST_GPA + SZ_1G)

FIXTURE(fairness) {
	struct kvm_vm *vm, *other_vm;
	struct kvm_vcpu *vcpu;
	void *mem, *other_mem;

	struct kvm_memory_mapping *mappings;
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
};

FIXTURE_VARIANT(fairness) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(fairness, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(fairness, ioctl_4_workers) {
	.entry = MAP_BY_IOCTL, .workers = 4,
};

FIXTURE_VARIANT_ADD(fairness, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(fairness, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

FIXTURE_SETUP(fairness)
{
	uint32_t i;

	self->vm = test_vm_create(1, &self->vcpu);
	self->mem = test_mem_alloc(LONG_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, LONG_SIZE, self->mem);
	self->other_mem = test_mem_alloc(ROUNDS * ROUND_SIZE);
	test_slot_set(self->vm, OTHER_SLOT, 0, OTHER_GPA, ROUNDS * ROUND_SIZE,
		      self->other_mem);
	self->other_vm = test_vm_create(0, NULL);
	test_slot_set(self->other_vm, TEST_SLOT, 0, TEST_GPA, LONG_SIZE, self->mem);

	self->mappings = calloc(LONG_NR, sizeof(*self->mappings));
	for (i = 0; i < LONG_NR; i++) {
		self->mappings[i].base_address = TEST_GPA;
		self->mappings[i].size = LONG_SIZE;
	}
	map_batch_init(&self->batch, self->mappings, LONG_NR, variant->workers);
	self->batch.first_undone = NOT_WRITTEN;
	map_thread_start(&self->thread, self->vm, variant->entry, &self->batch);
	ASSERT_TRUE(wait_until(vm_get_stat(self->vm, "pages_4k") >=
			       LONG_SIZE / PAGE_SIZE));
}

/* Whatever was done meanwhile, the job was not done before. */
static void end_long_job(FIXTURE_DATA(fairness) *self)
{
	TEST_ASSERT_EQ(READ_ONCE(self->batch.first_undone), NOT_WRITTEN);
	/* Closing any descriptor of the VM cancels. */
	close(dup(self->vm->fd));
	TEST_ASSERT_EQ(map_thread_join(&self->thread), -ECANCELED);
	TEST_ASSERT(self->batch.first_undone > 0 &&
		    self->batch.first_undone < LONG_NR,
		    "%u mappings are done", self->batch.first_undone);
}

FIXTURE_TEARDOWN(fairness)
{
	kvm_vm_free(self->vm);
	kvm_vm_free(self->other_vm);
}

TEST_F_TIMEOUT(fairness, guest_faults, 60)
{
	uint64_t i;

	for (i = 0; i < ROUNDS; i++)
		ASSERT_EQ(ROUND_PAGES, guest_write(self->vcpu,
						   OTHER_GPA + i * ROUND_SIZE,
						   ROUND_SIZE));
	end_long_job(self);
}

/* Each of them drops the page tables, so that the job maps all anew. */
TEST_F_TIMEOUT(fairness, memslot_updates, 60)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		test_slot_delete(self->vm, OTHER_SLOT);
		test_slot_set(self->vm, OTHER_SLOT, 0, OTHER_GPA,
			      ROUNDS * ROUND_SIZE, self->other_mem);
	}
	end_long_job(self);
}

TEST_F_TIMEOUT(fairness, jobs_of_the_same_vm, 60)
{
	struct kvm_map_memory_batch batch;
	uint64_t i;

	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, map_range(self->vm, variant->entry,
				       OTHER_GPA + i * ROUND_SIZE, ROUND_SIZE, 0,
				       2, &batch));
		assert_batch_done(&batch, ROUND_SIZE, 0);
	}
	end_long_job(self);
}

TEST_F_TIMEOUT(fairness, jobs_of_another_vm, 60)
{
	struct kvm_map_memory_batch batch;
	uint64_t i;

	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, map_range(self->other_vm, variant->entry,
				       TEST_GPA + i * ROUND_SIZE, ROUND_SIZE, 0,
				       2, &batch));
		assert_batch_done(&batch, ROUND_SIZE, 0);
	}
	end_long_job(self);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
