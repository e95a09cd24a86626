// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * A worker that waits for a page of userfaultfd, in each of its modes, delays
 * nobody but its own chunk, and goes on as soon as the page is there.
 */
#include <stdlib.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/uffd_job.h"

#define OTHER_SLOT	(TEST_SLOT + 1)
#define OTHER_GPA	(TEST_GPA + 2 * UFFD_JOB_SIZE)
#define OTHER_SIZE	((uint64_t)SZ_4M)
/* Held back of each range, when pages are given in any order. */
#define NR_SHUFFLED	64

FIXTURE(uffd_wait) {
	struct uffd_job job;
};

UFFD_JOB_VARIANTS(uffd_wait);

FIXTURE_SETUP(uffd_wait)
{
	if (!uffd_job_create(&self->job, &variant->v))
		SKIP(return, "This memory or this mode of userfaultfd is not to be had");
}

FIXTURE_TEARDOWN(uffd_wait)
{
	uffd_job_destroy(&self->job);
}

/*
 * One worker waits in the first range; others, if there are, do all the rest.
 * Of its own chunk the first may have brought pages in and not mapped any yet.
 */
static void block_one(struct uffd_job *job, const struct uffd_job_variant *variant)
{
	uint64_t rest = 0;

	if (variant->workers > 1)
		rest = UFFD_JOB_SIZE - UFFD_JOB_RANGE_SIZE;

	uffd_job_hold_back(job, 1);
	uffd_job_start(job, variant);
	uffd_job_wait_blocked(job, 1);
	TEST_ASSERT(wait_until(uffd_job_bytes_mapped(job) >= rest),
		    "0x%lx bytes are mapped, 0x%lx could be",
		    uffd_job_bytes_mapped(job), rest);
	TEST_ASSERT(uffd_job_bytes_mapped(job) <= rest + job->gate,
		    "0x%lx bytes are mapped", uffd_job_bytes_mapped(job));
	uffd_job_assert_blocked(job);
}

static void use_other_vm(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	void *hva = test_slot_add(vm, TEST_SLOT, TEST_GPA, SZ_2M, VM_MEM_SRC_ANONYMOUS);

	TEST_ASSERT_EQ(map_range(vm, MAP_BY_URING, TEST_GPA, SZ_2M, 0, 2, NULL), 0);
	TEST_ASSERT_EQ(guest_read_write(vcpu, TEST_GPA, SZ_2M, hva), 0);
}

TEST_F(uffd_wait, nobody_else_waits)
{
	struct kvm_memory_mapping mapping = {
		.base_address = OTHER_GPA + 2 * SZ_1M,
		.size = SZ_1M,
	};
	struct uffd_job *job = &self->job;
	struct kvm_map_memory_batch batch;
	struct kvm_vcpu *other_vcpu;
	struct kvm_vm *other_vm;
	void *hva;

	hva = test_slot_add(job->vm, OTHER_SLOT, OTHER_GPA, OTHER_SIZE,
			    VM_MEM_SRC_ANONYMOUS);
	/* Before the jobs: task work can interrupt KVM_CREATE_VM. */
	other_vm = test_vm_create(1, &other_vcpu);
	block_one(job, &variant->v);

	/* Other jobs, on the same memory and on other. */
	ASSERT_EQ(0, map_range(job->vm, MAP_BY_IOCTL, OTHER_GPA, SZ_1M, 0, 2, &batch));
	assert_batch_done(&batch, SZ_1M, 0);
	ASSERT_EQ(0, map_range(job->vm, MAP_BY_URING, OTHER_GPA + SZ_1M, SZ_1M, 0, 2,
			       &batch));
	assert_batch_done(&batch, SZ_1M, 0);
	ASSERT_EQ(0, map_range(job->vm, MAP_BY_URING,
			       TEST_GPA + UFFD_JOB_SIZE - UFFD_JOB_RANGE_SIZE,
			       UFFD_JOB_RANGE_SIZE, 0, 2, &batch));
	ASSERT_EQ(variant->v.workers > 1 ? 0 : UFFD_JOB_RANGE_SIZE, batch.bytes_mapped);
	ASSERT_EQ(UFFD_JOB_RANGE_SIZE, batch.bytes_mapped + batch.bytes_present);

	/* A vCPU, by ioctl and by faults, and another VM. */
	ASSERT_EQ(0, vcpu_map_memory(job->vcpu, &mapping));
	ASSERT_EQ(0, guest_read_write(job->vcpu, OTHER_GPA, 3 * SZ_1M, hva));
	ASSERT_EQ(SZ_1M / PAGE_SIZE,
		  guest_write(job->vcpu, OTHER_GPA + 3 * SZ_1M, SZ_1M));
	use_other_vm(other_vm, other_vcpu);

	uffd_job_assert_blocked(job);
	ASSERT_FALSE(uffd_gate_knocked(&job->mem.gate));
	uffd_memory_give(&job->mem, job->gate);
	ASSERT_EQ(0, map_thread_join(&job->thread));
	/* The part of this one's memory that the other job has mapped. */
	ASSERT_EQ(UFFD_JOB_SIZE, job->batch.bytes_mapped + job->batch.bytes_present);
	ASSERT_EQ(batch.bytes_mapped, job->batch.bytes_present);
	ASSERT_EQ(0, uffd_job_guest_verify(job));
	kvm_vm_free(other_vm);
}

/* Memslots come, move and go, also that of the job's memory. */
TEST_F(uffd_wait, memslots_can_be_changed)
{
	struct uffd_job *job = &self->job;
	struct kvm_map_memory_batch batch;
	void *hva = test_mem_alloc(OTHER_SIZE);

	block_one(job, &variant->v);

	test_slot_set(job->vm, OTHER_SLOT, 0, OTHER_GPA, OTHER_SIZE, hva);
	ASSERT_EQ(SZ_1M / PAGE_SIZE, guest_write(job->vcpu, OTHER_GPA, SZ_1M));
	test_slot_set(job->vm, OTHER_SLOT, KVM_MEM_LOG_DIRTY_PAGES, OTHER_GPA,
		      OTHER_SIZE, hva);
	test_slot_set(job->vm, OTHER_SLOT, KVM_MEM_LOG_DIRTY_PAGES,
		      OTHER_GPA + OTHER_SIZE, OTHER_SIZE, hva);
	test_slot_delete(job->vm, OTHER_SLOT);
	test_slot_delete(job->vm, TEST_SLOT);
	test_slot_set(job->vm, TEST_SLOT, 0, TEST_GPA, UFFD_JOB_SIZE, job->mem.hva);

	uffd_job_assert_blocked(job);
	uffd_memory_give(&job->mem, job->gate);
	ASSERT_EQ(0, map_thread_join(&job->thread));
	assert_batch_done(&job->batch, UFFD_JOB_SIZE, 0);

	/* Pages mapped before went with the slot. */
	ASSERT_EQ(0, map_range(job->vm, variant->v.entry, TEST_GPA, UFFD_JOB_SIZE, 0,
			       variant->v.workers, &batch));
	ASSERT_EQ(UFFD_JOB_SIZE, batch.bytes_mapped + batch.bytes_present);
	ASSERT_EQ(0, uffd_job_guest_verify(job));
}

/* Offsets of the pages that are held back, shuffled. */
static unsigned int hold_back_and_shuffle(struct uffd_job *job, uint64_t *offsets)
{
	unsigned int nr_each = job->mem.page_size == SZ_2M ? 1 : NR_SHUFFLED;
	unsigned int nr = 0, i, j;

	for (i = 0; i < UFFD_JOB_RANGES; i++) {
		uint64_t offset = i * UFFD_JOB_RANGE_SIZE + job->gate;

		uffd_memory_take(&job->mem, offset, nr_each * job->mem.page_size);
		for (j = 0; j < nr_each; j++)
			offsets[nr++] = offset + j * job->mem.page_size;
	}

	srandom(1);
	for (i = nr - 1; i; i--) {
		uint64_t offset = offsets[i];

		j = random() % (i + 1);
		offsets[i] = offsets[j];
		offsets[j] = offset;
	}
	return nr;
}

/* Once: to lift the protection again would take away what is mapped. */
static void give_once(struct uffd_job *job, uint64_t offset, bool *given)
{
	if (!given[offset / PAGE_SIZE])
		uffd_memory_give(&job->mem, offset);
	given[offset / PAGE_SIZE] = true;
}

/* The page asked for is given, after up to two that nobody has asked for. */
TEST_F(uffd_wait, pages_come_in_any_order)
{
	uint64_t offsets[UFFD_JOB_RANGES * NR_SHUFFLED];
	bool given[UFFD_JOB_SIZE / PAGE_SIZE] = {};
	unsigned int nr, ahead, next = 0, asked = 0;
	struct uffd_job *job = &self->job;
	uint64_t end = now_ms() + DEADLINE_MS;
	void *page;

	nr = hold_back_and_shuffle(job, offsets);
	uffd_job_start(job, &variant->v);
	while (pthread_tryjoin_np(job->thread.thread, NULL)) {
		ASSERT_LT(now_ms(), end);
		page = uffd_gate_poll(&job->mem.gate, 5);
		if (!page)
			continue;
		asked++;
		for (ahead = random() % 3; ahead && next < nr; ahead--)
			give_once(job, offsets[next++], given);
		give_once(job, page - job->mem.hva, given);
	}
	TH_LOG("%u of %u pages were asked for", asked, nr);
	ASSERT_LE(1, asked);

	ASSERT_EQ(0, job->thread.result);
	assert_batch_done(&job->batch, UFFD_JOB_SIZE, 0);
	ASSERT_FALSE(uffd_gate_knocked(&job->mem.gate));
	ASSERT_EQ(0, uffd_job_guest_verify(job));
}

/* The job takes what the kernel gives it instead. */
static void expect_done_without(struct uffd_job *job,
				const struct uffd_job_variant *variant)
{
	TEST_ASSERT_EQ(map_thread_join(&job->thread), 0);
	assert_batch_done(&job->batch, UFFD_JOB_SIZE, 0);

	/* Lifting all protection has taken away what was mapped before. */
	if (variant->mode == UFFDIO_REGISTER_MODE_WP)
		TEST_ASSERT_EQ(map_range(job->vm, variant->entry, TEST_GPA,
					 UFFD_JOB_SIZE, 0, variant->workers, NULL), 0);
	TEST_ASSERT_EQ(guest_write(job->vcpu, TEST_GPA, UFFD_JOB_SIZE), 0);
}

TEST_F(uffd_wait, unregistered)
{
	block_one(&self->job, &variant->v);
	uffd_memory_unregister(&self->job.mem);
	expect_done_without(&self->job, &variant->v);
}

TEST_F(uffd_wait, closed)
{
	block_one(&self->job, &variant->v);
	uffd_gate_destroy(&self->job.mem.gate);
	self->job.mem.gate.fd = -1;
	expect_done_without(&self->job, &variant->v);
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_RESIDENT);
	return test_harness_run(argc, argv);
}
