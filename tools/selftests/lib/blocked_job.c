// SPDX-License-Identifier: GPL-2.0
#include "blocked_job.h"
#include "host_state.h"
#include "leftovers.h"

#define NOT_WRITTEN	0xeeeeeeeeU

bool blocked_job_create(struct blocked_job *job, uint32_t workers)
{
	memset(job, 0, sizeof(*job));
	job->page_tables_kib = vm_page_tables_kib();
	job->vm = test_vm_create(1, &job->vcpu);
	job->hva = test_slot_add(job->vm, TEST_SLOT, TEST_GPA, BLOCKED_SIZE,
				 VM_MEM_SRC_ANONYMOUS);
	if (!uffd_gate_close_off(&job->gate, job->hva + BLOCKED_OFFSET,
				 BLOCKED_SIZE - BLOCKED_OFFSET)) {
		kvm_vm_free(job->vm);
		job->vm = NULL;
		return false;
	}

	job->mappings[0].base_address = TEST_GPA;
	job->mappings[0].size = 2 * SZ_1M;
	job->mappings[1].base_address = TEST_GPA + 2 * SZ_1M;
	job->mappings[1].size = 6 * SZ_1M;
	job->mappings[2].base_address = TEST_GPA + 8 * SZ_1M;
	job->mappings[2].size = 8 * SZ_1M;
	map_batch_init(&job->batch, job->mappings, 3, workers);
	job->batch.first_undone = NOT_WRITTEN;
	return true;
}

void blocked_job_wait(struct blocked_job *job)
{
	uint32_t i;

	for (i = 0; i < job->batch.nr_workers; i++)
		uffd_gate_wait(&job->gate);
	TEST_ASSERT(job->batch.first_undone == NOT_WRITTEN,
		    "Results were written while the job was under way");
}

void blocked_job_submit(struct blocked_job *job, struct io_uring *ring)
{
	map_ring_prep(ring, job->vm->fd, &job->batch, 1);
	map_ring_submit(ring, 1);
	blocked_job_wait(job);
}

void blocked_job_let_go(struct blocked_job *job, struct io_uring *ring)
{
	map_ring_assert_empty(ring);
	uffd_gate_destroy(&job->gate);
	TEST_ASSERT_EQ(map_ring_wait(ring, NULL), 0);
	assert_batch_done(&job->batch, BLOCKED_SIZE, 0);
	map_ring_assert_empty(ring);
	io_uring_queue_exit(ring);

	kvm_vm_free(job->vm);
	job->vm = NULL;
	TEST_ASSERT(wait_until(count_vms(getpid()) <= 0),
		    "The VM outlives its last descriptor");
}

void blocked_job_assert_left(struct blocked_job *job)
{
	const struct kvm_memory_mapping *left = job->mappings;

	TEST_ASSERT_EQ(left[0].base_address, TEST_GPA + 2 * SZ_1M);
	TEST_ASSERT_EQ(left[0].size, 0);
	TEST_ASSERT_EQ(left[1].base_address, TEST_GPA + BLOCKED_OFFSET);
	TEST_ASSERT_EQ(left[1].size, 8 * SZ_1M - BLOCKED_OFFSET);
	TEST_ASSERT_EQ(left[2].base_address, TEST_GPA + 8 * SZ_1M);
	TEST_ASSERT_EQ(left[2].size, 8 * SZ_1M);
	TEST_ASSERT_EQ(job->batch.first_undone, 1);
	TEST_ASSERT_EQ(job->batch.bytes_mapped, BLOCKED_OFFSET);
	TEST_ASSERT_EQ(job->batch.bytes_present, 0);
	TEST_ASSERT_EQ(job->batch.bytes_skipped, 0);
	TEST_ASSERT_EQ(job->batch.workers_used, job->batch.nr_workers);
	TEST_ASSERT_EQ(vm_get_stat(job->vm, "pages_4k"), BLOCKED_OFFSET / PAGE_SIZE);
}

void blocked_job_wait_left(struct blocked_job *job)
{
	uint64_t start = now_ms();

	/* The last word written that changes. */
	TEST_ASSERT(wait_until(READ_ONCE(job->mappings[1].size) ==
			       8 * SZ_1M - BLOCKED_OFFSET),
		    "The job wrote back no progress");
	TEST_ASSERT(now_ms() - start < PROMPT_MS, "The job took %lu ms to end",
		    now_ms() - start);
	blocked_job_assert_left(job);
}

void blocked_job_finish(struct blocked_job *job, enum map_entry entry)
{
	struct kvm_memory_mapping left[2];
	struct kvm_map_memory_batch batch;
	uint64_t faults;

	uffd_gate_destroy(&job->gate);

	memcpy(left, &job->mappings[1], sizeof(left));
	map_batch_init(&batch, left, 2, job->batch.nr_workers);
	TEST_ASSERT_EQ(map_batch(job->vm, entry, &batch), 0);
	assert_batch_done(&batch, BLOCKED_SIZE - BLOCKED_OFFSET, 0);
	faults = guest_read_write(job->vcpu, TEST_GPA, BLOCKED_SIZE, job->hva);
	TEST_ASSERT_EQ(faults, 0);

	TEST_ASSERT(wait_until(!count_threads(HELPER_COMM)),
		    "%d helper threads stay for ever", count_threads(HELPER_COMM));

	TEST_ASSERT(vm_page_tables_kib() > job->page_tables_kib,
		    "A mapped VM has no page tables");
	free_and_assert_gone(job->vm, job->page_tables_kib);
	job->vm = NULL;
}

void expect_cqe(struct io_uring *ring, uint64_t user_data, int wanted)
{
	uint64_t start = now_ms(), seen;
	int result = map_ring_wait(ring, &seen);

	TEST_ASSERT_EQ(seen, user_data);
	TEST_ASSERT_EQ(result, wanted);
	TEST_ASSERT(now_ms() - start < PROMPT_MS, "The CQE took %lu ms",
		    now_ms() - start);
}
