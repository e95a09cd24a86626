// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Pages that userfaultfd has write-protected: a job with write intent waits as
 * a write would, a read maps them read-only, and RESIDENT passes them over.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/uffd_job.h"

FIXTURE(uffd_protected) {
	struct uffd_job job;
};

FIXTURE_VARIANT(uffd_protected) {
	struct uffd_job_variant v;
};

UFFD_JOB_VARIANT(uffd_protected, anon, ANON, WP, IOCTL, 1);
UFFD_JOB_VARIANT(uffd_protected, thp, THP, WP, URING, 3);
UFFD_JOB_VARIANT(uffd_protected, memfd, MEMFD, WP, URING, 3);
UFFD_JOB_VARIANT(uffd_protected, hugetlb, HUGETLB, WP, IOCTL, 3);

FIXTURE_SETUP(uffd_protected)
{
	if (!uffd_job_create(&self->job, &variant->v))
		SKIP(return, "This memory or this mode of userfaultfd is not to be had");
	uffd_memory_take(&self->job.mem, 0, UFFD_JOB_SIZE);
}

FIXTURE_TEARDOWN(uffd_protected)
{
	uffd_job_destroy(&self->job);
}

static void expect(struct uffd_job *job, const struct uffd_job_variant *variant,
		   uint64_t flags, uint64_t mapped, uint64_t present, uint64_t skipped)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(map_range(job->vm, variant->entry, TEST_GPA, UFFD_JOB_SIZE,
				 flags, variant->workers, &batch), 0);
	TEST_ASSERT_EQ(batch.bytes_mapped, mapped);
	TEST_ASSERT_EQ(batch.bytes_present, present);
	TEST_ASSERT_EQ(batch.bytes_skipped, skipped);
	TEST_ASSERT(!uffd_gate_knocked(&job->mem.gate), "The job has waited");
}

static uint64_t verify_all(struct uffd_job *job)
{
	return guest_verify(job->vcpu, TEST_GPA, UFFD_JOB_SIZE, UFFD_MEMORY_WORD);
}

TEST_F(uffd_protected, read_maps_at_once)
{
	expect(&self->job, &variant->v, KVM_MEMORY_MAPPING_READ, UFFD_JOB_SIZE, 0, 0);
	ASSERT_EQ(0, verify_all(&self->job));
	expect(&self->job, &variant->v, KVM_MEMORY_MAPPING_READ, 0, UFFD_JOB_SIZE, 0);
}

TEST_F(uffd_protected, resident_passes_over)
{
	expect(&self->job, &variant->v, KVM_MEMORY_MAPPING_RESIDENT, 0, 0, UFFD_JOB_SIZE);
	/* For reading it is there. */
	expect(&self->job, &variant->v, KVM_MEMORY_MAPPING_FLAGS_ALL, UFFD_JOB_SIZE, 0, 0);
	ASSERT_EQ(0, verify_all(&self->job));
	expect(&self->job, &variant->v, KVM_MEMORY_MAPPING_RESIDENT, 0, 0, UFFD_JOB_SIZE);
}

static void *guest_writes_first_page(void *data)
{
	guest_write(data, TEST_GPA, PAGE_SIZE);
	return NULL;
}

/* The guest must not get past the protection by way of a mapping for reading. */
TEST_F(uffd_protected, guest_writes_wait)
{
	pthread_t thread;

	expect(&self->job, &variant->v, KVM_MEMORY_MAPPING_READ, UFFD_JOB_SIZE, 0, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, guest_writes_first_page,
				    self->job.vcpu));
	ASSERT_EQ(0, uffd_memory_wait(&self->job.mem));
	ASSERT_EQ(UFFD_MEMORY_WORD, *(uint64_t *)self->job.mem.hva);
	uffd_memory_give(&self->job.mem, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(TEST_GPA, *(uint64_t *)self->job.mem.hva);
}

/* One page after the other; those mapped for reading become writable. */
TEST_F(uffd_protected, write_intent_waits)
{
	struct uffd_job *job = &self->job;
	uint64_t end = now_ms() + DEADLINE_MS;
	uint64_t nr = 0;
	void *page;

	expect(job, &variant->v, KVM_MEMORY_MAPPING_READ, UFFD_JOB_SIZE, 0, 0);
	/* Leave so many that those who wait are counted, and no more. */
	if (job->mem.page_size < UFFD_JOB_RANGE_SIZE) {
		uint64_t offset;

		for (offset = 0; offset < UFFD_JOB_SIZE; offset += PAGE_SIZE)
			if (offset % (16 * PAGE_SIZE))
				uffd_memory_give(&job->mem, offset);
	}

	uffd_job_start(job, &variant->v);
	while (pthread_tryjoin_np(job->thread.thread, NULL)) {
		ASSERT_LT(now_ms(), end);
		page = uffd_gate_poll(&job->mem.gate, 5);
		if (!page)
			continue;
		uffd_memory_give(&job->mem, page - job->mem.hva);
		nr++;
	}
	ASSERT_EQ(0, job->thread.result);
	assert_batch_done(&job->batch, UFFD_JOB_SIZE, 0);
	ASSERT_EQ(job->mem.page_size < UFFD_JOB_RANGE_SIZE ?
		  UFFD_JOB_SIZE / (16 * PAGE_SIZE) : UFFD_JOB_RANGES, nr);
	ASSERT_EQ(0, uffd_job_guest_verify(job));
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_RESIDENT);
	return test_harness_run(argc, argv);
}
