// SPDX-License-Identifier: GPL-2.0
#include "host_state.h"
#include "uffd_job.h"

bool uffd_job_create(struct uffd_job *job, const struct uffd_job_variant *variant)
{
	unsigned int i;

	memset(job, 0, sizeof(*job));
	if (!uffd_memory_create(&job->mem, variant->kind, variant->mode, UFFD_JOB_SIZE))
		return false;

	/* Not the first page, where there are several. */
	if (job->mem.page_size < UFFD_JOB_RANGE_SIZE)
		job->gate = SZ_1M + 7 * PAGE_SIZE;

	job->vm = test_vm_create(1, &job->vcpu);
	test_slot_set(job->vm, TEST_SLOT, 0, TEST_GPA, UFFD_JOB_SIZE, job->mem.hva);
	for (i = 0; i < UFFD_JOB_RANGES; i++) {
		job->mappings[i].base_address = TEST_GPA + i * UFFD_JOB_RANGE_SIZE;
		job->mappings[i].size = UFFD_JOB_RANGE_SIZE;
	}
	map_batch_init(&job->batch, job->mappings, UFFD_JOB_RANGES, variant->workers);
	return true;
}

void uffd_job_destroy(struct uffd_job *job)
{
	if (!job->vm)
		return;
	kvm_vm_free(job->vm);
	uffd_memory_destroy(&job->mem);
}

void uffd_job_hold_back(struct uffd_job *job, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		uffd_memory_take(&job->mem, i * UFFD_JOB_RANGE_SIZE + job->gate,
				 job->mem.page_size);
}

void uffd_job_start(struct uffd_job *job, const struct uffd_job_variant *variant)
{
	map_thread_start(&job->thread, job->vm, variant->entry, &job->batch);
}

uint64_t uffd_job_bytes_mapped(struct uffd_job *job)
{
	return vm_get_stat(job->vm, "pages_4k") * PAGE_SIZE +
	       vm_get_stat(job->vm, "pages_2m") * SZ_2M;
}

void uffd_job_wait_blocked(struct uffd_job *job, unsigned int nr)
{
	bool seen[UFFD_JOB_RANGES] = {};
	unsigned int i;

	for (i = 0; i < nr; i++) {
		uint64_t offset = uffd_memory_wait(&job->mem);
		uint64_t range = offset / UFFD_JOB_RANGE_SIZE;

		TEST_ASSERT_EQ(offset % UFFD_JOB_RANGE_SIZE, job->gate);
		TEST_ASSERT(range < nr && !seen[range],
			    "Range %lu: nobody should wait there, or nobody else", range);
		seen[range] = true;
	}
}

void uffd_job_assert_blocked(struct uffd_job *job)
{
	TEST_ASSERT(pthread_tryjoin_np(job->thread.thread, NULL) == EBUSY,
		    "The job ended before it had its page");
}

uint64_t uffd_job_guest_verify(struct uffd_job *job)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = UFFD_JOB_SIZE / PAGE_SIZE,
		.ops = PASS_READ | PASS_VERIFY | PASS_WRITE,
		.expect = UFFD_MEMORY_WORD,
		.value = UFFD_MEMORY_WORD,
	};

	return guest_pass(job->vcpu, &pass);
}
