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
 * Forty jobs of one VM at the same time, each of which wants as many workers as there
 * may be: all of them get on, with no more helpers than the VM may have.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define NR_JOBS		40
#define MAX_HELPERS	256

/*
 * A chunk for each worker there may be.  Larger than the ranges that share one, and
 * each in a leaf table of its own.
 */
#define NR_MAPPINGS	(NR_JOBS + MAX_HELPERS)
#define MAPPING_SIZE	(17 * PAGE_SIZE)
#define JOB_SIZE	(NR_MAPPINGS * MAPPING_SIZE)
#define SLOT_SIZE	((uint64_t)NR_MAPPINGS * SZ_2M)

FIXTURE(many) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *mem;
	struct uffd_gate gate;
	struct kvm_memory_mapping mappings[NR_JOBS][NR_MAPPINGS];
	struct kvm_map_memory_batch batches[NR_JOBS];
	struct map_thread threads[NR_JOBS];
	struct io_uring ring;
};

FIXTURE_VARIANT(many) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(many, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(many, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(many)
{
	int i, k;

	self->vm = test_vm_create(1, &self->vcpu);
	self->mem = test_mem_alloc(SLOT_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, SLOT_SIZE, self->mem);

	for (i = 0; i < NR_JOBS; i++) {
		for (k = 0; k < NR_MAPPINGS; k++) {
			self->mappings[i][k].base_address = TEST_GPA + k * SZ_2M;
			self->mappings[i][k].size = MAPPING_SIZE;
		}
		map_batch_init(&self->batches[i], self->mappings[i], NR_MAPPINGS,
			       KVM_MAP_MEMORY_MAX_WORKERS);
	}
}

FIXTURE_TEARDOWN(many)
{
	kvm_vm_free(self->vm);
}

/* As many io-wq threads as there are commands, or some would wait for others. */
static void submit(FIXTURE_DATA(many) *self)
{
	unsigned int max_workers[2] = { NR_JOBS, 0 };
	int i;

	map_ring_open(&self->ring, NR_JOBS, 0);
	TEST_ASSERT(!io_uring_register_iowq_max_workers(&self->ring, max_workers),
		    "Cannot set the number of io-wq threads");
	for (i = 0; i < NR_JOBS; i++)
		map_ring_prep(&self->ring, self->vm->fd, &self->batches[i], i);
	map_ring_submit(&self->ring, NR_JOBS);
}

static void wait_for_all(FIXTURE_DATA(many) *self, enum map_entry entry)
{
	int results[NR_JOBS], i;

	if (entry == MAP_BY_URING) {
		map_ring_wait_all(&self->ring, results, NR_JOBS);
		io_uring_queue_exit(&self->ring);
	}
	for (i = 0; i < NR_JOBS; i++)
		TEST_ASSERT_EQ(entry == MAP_BY_URING ? results[i] :
			       map_thread_join(&self->threads[i]), 0);
}

TEST_F_TIMEOUT(many, all_workers_at_once, 60)
{
	uint64_t mapped = 0, present = 0;
	int i, k;

	if (!uffd_gate_close_off(&self->gate, self->mem, SLOT_SIZE))
		SKIP(return, "userfaultfd is not permitted");

	if (variant->entry == MAP_BY_URING)
		submit(self);
	else
		for (i = 0; i < NR_JOBS; i++)
			map_thread_start(&self->threads[i], self->vm, MAP_BY_IOCTL,
					 &self->batches[i]);

	/* Each owner, and each helper. */
	for (i = 0; i < NR_JOBS + MAX_HELPERS; i++)
		uffd_gate_wait(&self->gate);
	ASSERT_FALSE(uffd_gate_knocked(&self->gate));
	ASSERT_EQ(MAX_HELPERS, count_threads(HELPER_COMM));

	uffd_gate_destroy(&self->gate);
	wait_for_all(self, variant->entry);
	ASSERT_GE(MAX_HELPERS, count_threads(HELPER_COMM));

	for (i = 0; i < NR_JOBS; i++) {
		for (k = 0; k < NR_MAPPINGS; k++)
			ASSERT_EQ(0, self->mappings[i][k].size);
		ASSERT_EQ(NR_MAPPINGS, self->batches[i].first_undone);
		ASSERT_LE(1, self->batches[i].workers_used);
		ASSERT_GE(KVM_MAP_MEMORY_MAX_WORKERS, self->batches[i].workers_used);
		mapped += self->batches[i].bytes_mapped;
		present += self->batches[i].bytes_present;
	}
	/* Each page was mapped once, by whoever came first. */
	ASSERT_EQ(JOB_SIZE, mapped);
	ASSERT_EQ((NR_JOBS - 1) * JOB_SIZE, present);
	ASSERT_EQ(JOB_SIZE / PAGE_SIZE, vm_get_stat(self->vm, "pages_4k"));
	for (k = 0; k < NR_MAPPINGS; k += NR_MAPPINGS / 4)
		ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA + k * SZ_2M,
					      MAPPING_SIZE, self->mem + k * SZ_2M));
	ASSERT_TRUE(wait_until(!count_threads(HELPER_COMM)));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
