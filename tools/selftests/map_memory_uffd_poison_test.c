// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * UFFDIO_POISON gives a job a page that nobody can use: the job reports it, and
 * sends no signal.
 */
#include <signal.h>

#include "kvm_test_harness.h"

#include "lib/uffd_job.h"

FIXTURE(uffd_poison) {
	struct uffd_job job;
};

FIXTURE_VARIANT(uffd_poison) {
	struct uffd_job_variant v;
};

UFFD_JOB_VARIANT(uffd_poison, missing_anon, ANON, MISSING, IOCTL, 1);
UFFD_JOB_VARIANT(uffd_poison, missing_memfd, MEMFD, MISSING, URING, 3);
UFFD_JOB_VARIANT(uffd_poison, missing_hugetlb, HUGETLB, MISSING, IOCTL, 3);
UFFD_JOB_VARIANT(uffd_poison, minor_memfd, MEMFD, MINOR, URING, 1);
UFFD_JOB_VARIANT(uffd_poison, minor_hugetlb, HUGETLB, MINOR, URING, 3);

/* No SIGBUS may come, and by default it would kill. */
FIXTURE_SETUP(uffd_poison)
{
	if (!uffd_job_create(&self->job, &variant->v))
		SKIP(return, "This memory or this mode of userfaultfd is not to be had");
	uffd_job_hold_back(&self->job, 1);
}

FIXTURE_TEARDOWN(uffd_poison)
{
	uffd_job_destroy(&self->job);
}

static void expect_left(struct uffd_job *job, uint64_t mapped, uint64_t present)
{
	unsigned int i;

	TEST_ASSERT_EQ(job->batch.first_undone, 0);
	TEST_ASSERT_EQ(job->mappings[0].base_address, TEST_GPA + job->gate);
	TEST_ASSERT_EQ(job->mappings[0].size, UFFD_JOB_RANGE_SIZE - job->gate);
	for (i = 1; i < UFFD_JOB_RANGES; i++)
		TEST_ASSERT_EQ(job->mappings[i].size, 0);
	TEST_ASSERT_EQ(job->batch.bytes_mapped, mapped);
	TEST_ASSERT_EQ(job->batch.bytes_present, present);
	TEST_ASSERT_EQ(job->batch.bytes_skipped, 0);
}

TEST_F(uffd_poison, while_a_worker_waits)
{
	struct uffd_job *job = &self->job;
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = UFFD_JOB_SIZE,
	};
	uint64_t others = UFFD_JOB_SIZE - UFFD_JOB_RANGE_SIZE;

	uffd_job_start(job, &variant->v);
	uffd_job_wait_blocked(job, 1);
	uffd_memory_poison(&job->mem, job->gate);
	ASSERT_EQ(-EHWPOISON, map_thread_join(&job->thread));
	expect_left(job, others + job->gate, 0);

	/* It stays so: for what is handed in again, for a vCPU, for a read. */
	ASSERT_EQ(-EHWPOISON, map_batch(job->vm, variant->v.entry, &job->batch));
	expect_left(job, 0, 0);
	ASSERT_EQ(-EHWPOISON, vcpu_map_memory(job->vcpu, &mapping));
	ASSERT_EQ(TEST_GPA + job->gate, mapping.base_address);
	mapping.flags = KVM_MEMORY_MAPPING_READ;
	ASSERT_EQ(-EHWPOISON, vcpu_map_memory(job->vcpu, &mapping));
	ASSERT_EQ(TEST_GPA + job->gate, mapping.base_address);
	ASSERT_FALSE(uffd_gate_knocked(&job->mem.gate));
}

/* Others are skipped. */
TEST_F(uffd_poison, resident)
{
	struct uffd_job *job = &self->job;
	struct kvm_map_memory_batch batch;

	uffd_memory_poison(&job->mem, job->gate);
	ASSERT_EQ(0, map_range(job->vm, variant->v.entry, TEST_GPA, UFFD_JOB_SIZE,
			       KVM_MEMORY_MAPPING_RESIDENT, variant->v.workers, &batch));
	ASSERT_EQ(UFFD_JOB_SIZE - job->mem.page_size, batch.bytes_mapped);
	ASSERT_EQ(0, batch.bytes_present);
	ASSERT_EQ(job->mem.page_size, batch.bytes_skipped);
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_RESIDENT);
	return test_harness_run(argc, argv);
}
