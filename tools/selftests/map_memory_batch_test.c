// SPDX-License-Identifier: GPL-2.0
// quick: svm 7.3
// testvm:
// testvm: --cpus 16
// debug:
// vmx:
/*
 * Batches through the ioctl and through io_uring, with 1 to 16 workers: what
 * they map, what they report, and what they leave of ranges without a slot.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(16 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)

FIXTURE(batch) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_map_memory_batch batch;
};

FIXTURE_VARIANT(batch) {
	enum map_entry entry;
	uint32_t workers;
};

#define BATCH_VARIANT(name, how, nr)					\
FIXTURE_VARIANT_ADD(batch, name) { .entry = how, .workers = nr }

BATCH_VARIANT(ioctl_default_workers, MAP_BY_IOCTL, 0);
BATCH_VARIANT(ioctl_1_worker, MAP_BY_IOCTL, 1);
BATCH_VARIANT(ioctl_2_workers, MAP_BY_IOCTL, 2);
BATCH_VARIANT(ioctl_16_workers, MAP_BY_IOCTL, 16);
BATCH_VARIANT(uring_default_workers, MAP_BY_URING, 0);
BATCH_VARIANT(uring_1_worker, MAP_BY_URING, 1);
BATCH_VARIANT(uring_2_workers, MAP_BY_URING, 2);
BATCH_VARIANT(uring_5_workers, MAP_BY_URING, 5);
BATCH_VARIANT(uring_16_workers, MAP_BY_URING, 16);

FIXTURE_SETUP(batch)
{
	self->vm = test_vm_create(0, NULL);
}

FIXTURE_TEARDOWN(batch)
{
	kvm_vm_free(self->vm);
}

/* No vCPU is created before the job is done: jobs need none. */
static void create_vcpu(FIXTURE_DATA(batch) *self)
{
	self->vcpu = test_vm_add_vcpu(self->vm, 0);
}

TEST_F(batch, one_range)
{
	void *hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);

	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, 0,
			       variant->workers, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(TEST_PAGES, vm_get_stat(self->vm, "pages_4k"));
	create_vcpu(self);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, hva));
}

TEST_F(batch, one_page)
{
	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA + SZ_1M,
			       PAGE_SIZE, 0, variant->workers, &self->batch));
	assert_batch_done(&self->batch, PAGE_SIZE, 0);
	create_vcpu(self);
	ASSERT_EQ(TEST_PAGES - 1, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

/* One page each, in an order without order. */
TEST_F(batch, thousands_of_ranges)
{
	struct kvm_memory_mapping *mappings;
	uint32_t i;
	void *hva;

	hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
			    VM_MEM_SRC_ANONYMOUS);
	mappings = calloc(TEST_PAGES, sizeof(*mappings));
	for (i = 0; i < TEST_PAGES; i++) {
		mappings[i].base_address = TEST_GPA +
					   i * 1237 % TEST_PAGES * PAGE_SIZE;
		mappings[i].size = PAGE_SIZE;
	}
	map_batch_init(&self->batch, mappings, TEST_PAGES, variant->workers);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	for (i = 0; i < TEST_PAGES; i++)
		ASSERT_EQ(TEST_GPA + (i * 1237 % TEST_PAGES + 1) * PAGE_SIZE,
			  mappings[i].base_address);
	create_vcpu(self);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, hva));
}

TEST_F(batch, as_many_ranges_as_there_may_be)
{
	const uint32_t nr = KVM_MAP_MEMORY_MAX_MAPPINGS;
	struct kvm_memory_mapping *mappings;
	uint32_t i;

	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	mappings = calloc(nr, sizeof(*mappings));
	for (i = 0; i < nr; i++) {
		mappings[i].base_address = TEST_GPA + i % TEST_PAGES * PAGE_SIZE;
		mappings[i].size = PAGE_SIZE;
	}
	map_batch_init(&self->batch, mappings, nr, variant->workers);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE,
			  (uint64_t)nr * PAGE_SIZE - TEST_SIZE);
	create_vcpu(self);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, NULL));
}

TEST_F(batch, overlapping_ranges)
{
	struct kvm_memory_mapping mappings[] = {
		{ .base_address = TEST_GPA, .size = 8 * SZ_1M },
		{ .base_address = TEST_GPA + 4 * SZ_1M, .size = 8 * SZ_1M },
		{ .base_address = TEST_GPA, .size = TEST_SIZE },
		{ .base_address = TEST_GPA, .size = 8 * SZ_1M },
	};
	uint64_t sum = 40 * SZ_1M;
	void *hva;

	hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
			    VM_MEM_SRC_ANONYMOUS);
	map_batch_init(&self->batch, mappings, ARRAY_SIZE(mappings),
		       variant->workers);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE, sum - TEST_SIZE);
	create_vcpu(self);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, hva));
}

/* One range over three slots, none of them aligned to anything. */
TEST_F(batch, across_slots)
{
	uint64_t first = 3 * SZ_1M + PAGE_SIZE, second = 5 * PAGE_SIZE;
	uint64_t third = TEST_SIZE - first - second;

	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, first, VM_MEM_SRC_ANONYMOUS);
	test_slot_add(self->vm, TEST_SLOT + 1, TEST_GPA + first, second,
		      VM_MEM_SRC_SHMEM);
	test_slot_add(self->vm, TEST_SLOT + 2, TEST_GPA + first + second, third,
		      VM_MEM_SRC_ANONYMOUS);
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, 0,
			       variant->workers, &self->batch));
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	create_vcpu(self);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, NULL));
}

/*
 * Slots at 0 to 4 and 8 to 16 MiB of the test memory.  Each range stops at
 * the page that no slot covers; the others are mapped.
 */
TEST_F(batch, holes)
{
	const uint64_t mib = SZ_1M;
	struct kvm_memory_mapping mappings[] = {
		{ .base_address = TEST_GPA, .size = 1 * mib },
		{ .base_address = TEST_GPA + 1 * mib, .size = 8 * mib },
		{ .base_address = TEST_GPA + 5 * mib, .size = 1 * mib },
		{ .base_address = TEST_GPA + 8 * mib, .size = 4 * mib },
		{ .base_address = TEST_GPA + 12 * mib, .size = 8 * mib },
		{ .base_address = TEST_GPA + 7 * mib, .size = 2 * mib },
	};
	const uint64_t left_base[] = { 1, 4, 5, 12, 16, 7 };
	const uint64_t left_size[] = { 0, 5, 1, 0, 4, 2 };
	uint32_t i;

	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, 4 * mib, VM_MEM_SRC_ANONYMOUS);
	test_slot_add(self->vm, TEST_SLOT + 1, TEST_GPA + 8 * mib, 8 * mib,
		      VM_MEM_SRC_ANONYMOUS);
	map_batch_init(&self->batch, mappings, ARRAY_SIZE(mappings),
		       variant->workers);
	ASSERT_EQ(-ENOENT, map_batch(self->vm, variant->entry, &self->batch));
	ASSERT_EQ(1, self->batch.first_undone);
	for (i = 0; i < ARRAY_SIZE(mappings); i++) {
		ASSERT_EQ(TEST_GPA + left_base[i] * mib, mappings[i].base_address);
		ASSERT_EQ(left_size[i] * mib, mappings[i].size);
	}
	ASSERT_EQ(0, self->batch.bytes_skipped);
	/*
	 * The part of a range beyond its hole may have been mapped by another
	 * worker: here 8 to 9 MiB, which a range of its own maps as well.
	 */
	ASSERT_EQ(12 * mib, self->batch.bytes_mapped);

	create_vcpu(self);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, 4 * mib, NULL));
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA + 8 * mib, 8 * mib, NULL));
}

/* The rest can be submitted again as it is, once the hole is filled. */
TEST_F(batch, reissue_after_filling_the_hole)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	uint64_t half = TEST_SIZE / 2;

	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, half, VM_MEM_SRC_ANONYMOUS);
	map_batch_init(&self->batch, &mapping, 1, variant->workers);
	ASSERT_EQ(-ENOENT, map_batch(self->vm, variant->entry, &self->batch));
	ASSERT_EQ(0, self->batch.first_undone);
	ASSERT_EQ(half, self->batch.bytes_mapped);
	ASSERT_EQ(TEST_GPA + half, mapping.base_address);
	ASSERT_EQ(half, mapping.size);

	test_slot_add(self->vm, TEST_SLOT + 1, TEST_GPA + half, half,
		      VM_MEM_SRC_ANONYMOUS);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	assert_batch_done(&self->batch, half, 0);
	create_vcpu(self);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, NULL));
}

/*
 * Stop the job at four places at the same time: as many threads as were
 * allowed stand there, and the helpers are threads of this process.
 */
TEST_F(batch, workers_are_threads_of_the_vmm)
{
	uint32_t limit = variant->workers ?: sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t want = min(limit, 4u), i;
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = 64 * SZ_1M,
	};
	struct map_thread thread;
	struct uffd_gate gate;
	int helpers;
	void *hva;

	hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, mapping.size,
			    VM_MEM_SRC_ANONYMOUS);
	if (!uffd_gate_close_off(&gate, hva, mapping.size))
		SKIP(return, "userfaultfd is not permitted");

	map_batch_init(&self->batch, &mapping, 1, variant->workers);
	map_thread_start(&thread, self->vm, variant->entry, &self->batch);
	for (i = 0; i < want; i++)
		uffd_gate_wait(&gate);
	helpers = count_threads(HELPER_COMM);
	ASSERT_GE(helpers, want - 1);
	ASSERT_LE(helpers, limit - 1);

	uffd_gate_release(&gate, hva, mapping.size);
	ASSERT_EQ(0, map_thread_join(&thread));
	uffd_gate_destroy(&gate);
	assert_batch_done(&self->batch, 64 * SZ_1M, 0);
	ASSERT_GE(self->batch.workers_used, want);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
