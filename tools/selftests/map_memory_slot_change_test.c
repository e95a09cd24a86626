// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
// testvm:
// testvm: --cpus 4
// testvm: --cpus 16
// testvm: --cpu -la57
// testvm: --numa 2 --append numa_balancing=disable
// debug:
// vmx:
/*
 * Memory slots deleted, re-created and moved, between jobs and during them.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(8 * SZ_1M)
#define GATE_SLOT	(TEST_SLOT + 1)
#define GATE_GPA	(TEST_GPA + 2 * TEST_SIZE)
#define NR_ROUNDS	40

FIXTURE(slot) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[2];
	void *hva;
	struct uffd_gate gate;
	pthread_t vcpu_thread;
	pthread_t slot_thread;
};

FIXTURE_VARIANT(slot) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(slot, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(slot, ioctl_4_workers) {
	.entry = MAP_BY_IOCTL, .workers = 4,
};

FIXTURE_VARIANT_ADD(slot, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(slot, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

static void slot_create(FIXTURE_DATA(slot) *self, uint64_t gpa)
{
	test_slot_set(self->vm, TEST_SLOT, 0, gpa, TEST_SIZE, self->hva);
}

FIXTURE_SETUP(slot)
{
	self->vm = test_vm_create(2, self->vcpus);
	self->hva = test_mem_alloc(TEST_SIZE);
	slot_create(self, TEST_GPA);
}

FIXTURE_TEARDOWN(slot)
{
	kvm_vm_free(self->vm);
}

static void map_all_and_use(FIXTURE_DATA(slot) *self, enum map_entry entry,
			    uint32_t workers, uint64_t gpa)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(map_range(self->vm, entry, gpa, TEST_SIZE, 0, workers,
				 &batch), 0);
	assert_batch_done(&batch, TEST_SIZE, 0);
	TEST_ASSERT_EQ(guest_read_write(self->vcpus[0], gpa, TEST_SIZE,
					self->hva), 0);
}

/*
 * Deleting a slot makes all roots obsolete, those of the workers, who are not
 * told, as well.
 */
TEST_F(slot, re_created_between_jobs)
{
	int round;

	for (round = 0; round < 3; round++) {
		map_all_and_use(self, variant->entry, variant->workers, TEST_GPA);
		test_slot_delete(self->vm, TEST_SLOT);
		ASSERT_EQ(-ENOENT, map_range(self->vm, variant->entry, TEST_GPA,
					     TEST_SIZE, 0, variant->workers, NULL));
		slot_create(self, TEST_GPA);
	}
	map_all_and_use(self, variant->entry, variant->workers, TEST_GPA);
}

TEST_F(slot, moved_between_jobs)
{
	uint64_t moved = TEST_GPA + TEST_SIZE;

	map_all_and_use(self, variant->entry, variant->workers, TEST_GPA);
	slot_create(self, moved);
	ASSERT_EQ(-ENOENT, map_range(self->vm, variant->entry, TEST_GPA,
				     TEST_SIZE, 0, variant->workers, NULL));
	map_all_and_use(self, variant->entry, variant->workers, moved);
}

/* Other memory under the same addresses: no entry of the old may be left. */
TEST_F(slot, replaced_between_jobs)
{
	void *old = self->hva;

	map_all_and_use(self, variant->entry, variant->workers, TEST_GPA);
	test_slot_delete(self->vm, TEST_SLOT);
	self->hva = test_mem_alloc(TEST_SIZE);
	slot_create(self, TEST_GPA);
	memset(old, 0, PAGE_SIZE);
	map_all_and_use(self, variant->entry, variant->workers, TEST_GPA);
	ASSERT_EQ(0, *(uint64_t *)old);
}

static void *run_into_the_gate(void *data)
{
	FIXTURE_DATA(slot) *self = data;
	struct guest_pass pass = {
		.gpa = GATE_GPA,
		.nr_pages = 1,
		.ops = PASS_WRITE,
	};

	guest_pass_run(self->vcpus[1], &pass);
	return NULL;
}

static void *delete_slot(void *data)
{
	FIXTURE_DATA(slot) *self = data;

	test_slot_delete(self->vm, TEST_SLOT);
	return NULL;
}

/*
 * Holds the deletion of the test slot in the middle: a vCPU waits for a page
 * inside KVM_RUN, and the deletion waits for that vCPU.  Until the gate is
 * opened the slot is neither there nor gone.
 */
static bool begin_to_delete(FIXTURE_DATA(slot) *self)
{
	void *gate = test_mem_alloc(PAGE_SIZE);

	if (!uffd_gate_close_off(&self->gate, gate, PAGE_SIZE))
		return false;

	test_slot_set(self->vm, GATE_SLOT, 0, GATE_GPA, PAGE_SIZE, gate);
	TEST_ASSERT(!pthread_create(&self->vcpu_thread, NULL,
				    run_into_the_gate, self) &&
		    uffd_gate_wait(&self->gate) == gate &&
		    !pthread_create(&self->slot_thread, NULL, delete_slot, self),
		    "Cannot hold the deletion");
	TEST_ASSERT(wait_until(map_range(self->vm, MAP_BY_IOCTL, TEST_GPA,
					 PAGE_SIZE, 0, 1, NULL) == -EAGAIN),
		    "No job noticed that the slot is being deleted");
	return true;
}

static void end_to_delete(FIXTURE_DATA(slot) *self)
{
	uffd_gate_release(&self->gate, self->gate.hva, PAGE_SIZE);
	TEST_ASSERT(!pthread_join(self->vcpu_thread, NULL) &&
		    !pthread_join(self->slot_thread, NULL),
		    "The deletion does not end");
	uffd_gate_destroy(&self->gate);
}

TEST_F(slot, eagain_while_it_is_deleted)
{
	struct kvm_memory_mapping mappings[] = {
		{ .base_address = GATE_GPA - SZ_1M, .size = PAGE_SIZE },
		{ .base_address = TEST_GPA, .size = TEST_SIZE },
	};
	struct kvm_map_memory_batch batch;
	uint64_t start;

	if (!begin_to_delete(self))
		SKIP(return, "userfaultfd is not permitted");

	start = now_ms();
	map_batch_init(&batch, &mappings[1], 1, variant->workers);
	ASSERT_EQ(-EAGAIN, map_batch(self->vm, variant->entry, &batch));
	ASSERT_EQ(0, batch.first_undone);
	ASSERT_EQ(0, batch.bytes_mapped + batch.bytes_present);
	ASSERT_EQ(TEST_GPA, mappings[1].base_address);
	ASSERT_EQ(TEST_SIZE, mappings[1].size);

	/* The first error is the result, the others are tried all the same. */
	map_batch_init(&batch, mappings, 2, variant->workers);
	ASSERT_EQ(-ENOENT, map_batch(self->vm, variant->entry, &batch));
	ASSERT_EQ(TEST_SIZE, mappings[1].size);
	ASSERT_GT(PROMPT_MS, now_ms() - start);

	end_to_delete(self);
	ASSERT_EQ(-ENOENT, map_range(self->vm, variant->entry, TEST_GPA,
				     TEST_SIZE, 0, variant->workers, NULL));
	slot_create(self, TEST_GPA);
	map_all_and_use(self, variant->entry, variant->workers, TEST_GPA);
}

/*
 * The job waits for a page of the very slot that is deleted: once it has the
 * page it may end what it has begun, 2 MiB at most, and no more.
 */
TEST_F(slot, deleted_under_a_job)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	uint64_t offset = SZ_1M + 3 * PAGE_SIZE;
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
	int result;

	if (!uffd_gate_close_off(&self->gate, self->hva + offset, PAGE_SIZE))
		SKIP(return, "userfaultfd is not permitted");

	map_batch_init(&batch, &mapping, 1, variant->workers);
	map_thread_start(&thread, self->vm, variant->entry, &batch);
	uffd_gate_wait(&self->gate);
	ASSERT_EQ(0, pthread_create(&self->slot_thread, NULL, delete_slot, self));
	ASSERT_TRUE(wait_until(map_range(self->vm, MAP_BY_IOCTL, TEST_GPA,
					 PAGE_SIZE, 0, 1, NULL)));
	uffd_gate_release(&self->gate, self->gate.hva, PAGE_SIZE);
	ASSERT_EQ(0, pthread_join(self->slot_thread, NULL));
	result = map_thread_join(&thread);
	uffd_gate_destroy(&self->gate);

	/* With several workers all may have been taken before the deletion. */
	if (variant->workers == 1) {
		ASSERT_TRUE(result == -EAGAIN || result == -ENOENT);
		ASSERT_GE(TEST_GPA + SZ_2M, mapping.base_address);
	} else {
		ASSERT_TRUE(!result || result == -EAGAIN || result == -ENOENT);
	}
	ASSERT_EQ(!result, batch.first_undone);
	ASSERT_EQ(!result, !mapping.size);
	ASSERT_LE(TEST_GPA, mapping.base_address);
	ASSERT_LE(mapping.base_address - TEST_GPA,
		  batch.bytes_mapped + batch.bytes_present);
	ASSERT_EQ(TEST_GPA + TEST_SIZE, mapping.base_address + mapping.size);

	slot_create(self, TEST_GPA);
	map_all_and_use(self, variant->entry, variant->workers, TEST_GPA);
}

static void *delete_and_create(void *data)
{
	FIXTURE_DATA(slot) *self = data;
	int round;

	for (round = 0; round < NR_ROUNDS; round++) {
		test_slot_delete(self->vm, TEST_SLOT);
		slot_create(self, TEST_GPA);
	}
	return NULL;
}

/* Rounds are counted, not timed; between them anything may be seen. */
TEST_F_TIMEOUT(slot, deleted_and_created_all_the_time, 120)
{
	int result, jobs = 0;

	ASSERT_EQ(0, pthread_create(&self->slot_thread, NULL,
				    delete_and_create, self));
	while (pthread_tryjoin_np(self->slot_thread, NULL)) {
		result = map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
				   0, variant->workers, NULL);
		ASSERT_TRUE(!result || result == -EAGAIN || result == -ENOENT);
		jobs++;
	}
	TH_LOG("%d jobs during %d rounds", jobs, NR_ROUNDS);
	ASSERT_LE(1, jobs);

	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, 0,
			       variant->workers, NULL));
	ASSERT_EQ(0, guest_read_write(self->vcpus[0], TEST_GPA, TEST_SIZE,
				      self->hva));
}

FIXTURE(slot_of_vcpu) {
	FIXTURE_DATA(slot) slot;
};

FIXTURE_SETUP(slot_of_vcpu)
{
	slot_setup(_metadata, &self->slot, NULL);
}

FIXTURE_TEARDOWN(slot_of_vcpu)
{
	kvm_vm_free(self->slot.vm);
}

/* The ioctl of a vCPU, too, neither waits for the deletion nor holds it up. */
TEST_F(slot_of_vcpu, eagain_while_it_is_deleted)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	FIXTURE_DATA(slot) *slot = &self->slot;

	if (!begin_to_delete(slot))
		SKIP(return, "userfaultfd is not permitted");

	ASSERT_EQ(-EAGAIN, vcpu_map_memory(slot->vcpus[0], &mapping));
	ASSERT_EQ(TEST_GPA, mapping.base_address);
	ASSERT_EQ(TEST_SIZE, mapping.size);

	end_to_delete(slot);
	slot_create(slot, TEST_GPA);
	ASSERT_EQ(0, vcpu_map_memory(slot->vcpus[0], &mapping));
	ASSERT_EQ(0, mapping.size);
	ASSERT_EQ(0, guest_read_write(slot->vcpus[0], TEST_GPA, TEST_SIZE,
				      slot->hva));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
