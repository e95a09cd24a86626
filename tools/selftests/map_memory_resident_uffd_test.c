// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * KVM_MEMORY_MAPPING_RESIDENT if userfaultfd holds pages back, in each of its modes:
 * they are skipped and counted, and no thread waits.  A thread that did would wait
 * for ever, because no handler reads userfaultfd's events, and there must be none.
 */
#include <stdlib.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/uffd_job.h"

#define NR_SMALL	256

FIXTURE(resident_uffd) {
	struct uffd_job job;
	uint64_t step;		/* every second piece of this size is held back */
	unsigned int jobs;	/* that have ended while pages came in */
};

UFFD_JOB_VARIANTS(resident_uffd);

FIXTURE_SETUP(resident_uffd)
{
	uint64_t offset;

	if (!uffd_job_create(&self->job, &variant->v))
		SKIP(return, "This memory or this mode of userfaultfd is not to be had");

	/* Not a multiple of what is done at once, nor a divisor of 2 MiB. */
	self->step = self->job.mem.page_size == SZ_2M ? SZ_2M : 48 * PAGE_SIZE;
	for (offset = 0; offset + self->step <= UFFD_JOB_SIZE; offset += 2 * self->step)
		uffd_memory_take(&self->job.mem, offset, self->step);
}

FIXTURE_TEARDOWN(resident_uffd)
{
	uffd_job_destroy(&self->job);
}

static bool held_back(FIXTURE_DATA(resident_uffd) *self, uint64_t offset)
{
	uint64_t step = offset / self->step;

	return !(step % 2) && (step + 1) * self->step <= UFFD_JOB_SIZE;
}

static uint64_t bytes_held_back(FIXTURE_DATA(resident_uffd) *self)
{
	return (UFFD_JOB_SIZE / self->step + 1) / 2 * self->step;
}

static void hand_in(struct uffd_job *job, const struct uffd_job_variant *variant,
		    uint64_t flags, struct kvm_map_memory_batch *batch)
{
	TEST_ASSERT_EQ(map_range(job->vm, variant->entry, TEST_GPA, UFFD_JOB_SIZE,
				 flags, variant->workers, batch), 0);
	TEST_ASSERT_EQ(batch->bytes_mapped + batch->bytes_present + batch->bytes_skipped,
		       UFFD_JOB_SIZE);
	TEST_ASSERT(!uffd_gate_knocked(&job->mem.gate), "The job wanted a page");
}

TEST_F(resident_uffd, exact)
{
	struct uffd_job *job = &self->job;
	uint64_t held = bytes_held_back(self);
	struct kvm_map_memory_batch batch;

	hand_in(job, &variant->v, KVM_MEMORY_MAPPING_RESIDENT, &batch);
	ASSERT_EQ(UFFD_JOB_SIZE - held, batch.bytes_mapped);
	ASSERT_EQ(held, batch.bytes_skipped);
	ASSERT_EQ(UFFD_JOB_SIZE - held, uffd_job_bytes_mapped(job));

	hand_in(job, &variant->v, KVM_MEMORY_MAPPING_RESIDENT, &batch);
	ASSERT_EQ(UFFD_JOB_SIZE - held, batch.bytes_present);
	ASSERT_EQ(held, batch.bytes_skipped);

	/* A page that is only protected from writing can be read. */
	hand_in(job, &variant->v, KVM_MEMORY_MAPPING_FLAGS_ALL, &batch);
	ASSERT_EQ(held, variant->v.mode == UFFDIO_REGISTER_MODE_WP ?
			batch.bytes_mapped : batch.bytes_skipped);
}

TEST_F(resident_uffd, by_vcpu)
{
	struct uffd_job *job = &self->job;
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = UFFD_JOB_SIZE,
		.flags = KVM_MEMORY_MAPPING_RESIDENT,
	};

	ASSERT_EQ(0, vcpu_map_memory(job->vcpu, &mapping));
	ASSERT_EQ(0, mapping.size);
	ASSERT_EQ(UFFD_JOB_SIZE - bytes_held_back(self), uffd_job_bytes_mapped(job));
	ASSERT_FALSE(uffd_gate_knocked(&job->mem.gate));
}

/* Single pages, some in a group and some of them held back. */
TEST_F(resident_uffd, many_small_ranges)
{
	struct kvm_memory_mapping mappings[NR_SMALL];
	uint64_t offset, stride = UFFD_JOB_SIZE / NR_SMALL, held = 0;
	struct uffd_job *job = &self->job;
	struct kvm_map_memory_batch batch;
	int i;

	for (i = 0; i < NR_SMALL; i++) {
		offset = i * stride + i % 8 * PAGE_SIZE;
		held += held_back(self, offset);
		mappings[i] = (struct kvm_memory_mapping) {
			.base_address = TEST_GPA + offset,
			.size = PAGE_SIZE,
			.flags = KVM_MEMORY_MAPPING_RESIDENT,
		};
	}
	ASSERT_LT(0, held);
	ASSERT_GT(NR_SMALL, held);

	map_batch_init(&batch, mappings, NR_SMALL, variant->v.workers);
	ASSERT_EQ(0, map_batch(job->vm, variant->v.entry, &batch));
	ASSERT_EQ(NR_SMALL, batch.first_undone);
	ASSERT_EQ(held * PAGE_SIZE, batch.bytes_skipped);
	ASSERT_EQ((NR_SMALL - held) * PAGE_SIZE, batch.bytes_mapped + batch.bytes_present);
	ASSERT_FALSE(uffd_gate_knocked(&job->mem.gate));
}

static void *give_all(void *data)
{
	FIXTURE_DATA(resident_uffd) *self = data;
	unsigned int jobs;
	uint64_t offset;

	for (offset = 0; offset < UFFD_JOB_SIZE; offset += self->job.mem.page_size) {
		/* A job begins and ends in every MiB. */
		if (offset % SZ_1M == 0) {
			jobs = READ_ONCE(self->jobs);
			TEST_ASSERT(wait_until(READ_ONCE(self->jobs) > jobs + 1),
				    "No job ends");
		}
		if (!held_back(self, offset))
			continue;
		uffd_memory_give(&self->job.mem, offset);
		/* Shared memory becomes writable with the first write only. */
		if (self->job.mem.mode == UFFDIO_REGISTER_MODE_WP)
			WRITE_ONCE(*(uint64_t *)(self->job.mem.hva + offset),
				   UFFD_MEMORY_WORD + offset / PAGE_SIZE);
	}
	return NULL;
}

/* As after a migration by postcopy: pages come in while jobs map what is there. */
TEST_F(resident_uffd, while_pages_come_in)
{
	struct uffd_job *job = &self->job;
	uint64_t skipped = bytes_held_back(self);
	struct kvm_map_memory_batch batch;
	pthread_t giver;
	bool ended;

	hand_in(job, &variant->v, KVM_MEMORY_MAPPING_RESIDENT, &batch);
	ASSERT_EQ(0, pthread_create(&giver, NULL, give_all, self));
	do {
		ended = !pthread_tryjoin_np(giver, NULL);
		hand_in(job, &variant->v, KVM_MEMORY_MAPPING_RESIDENT, &batch);
		ASSERT_GE(skipped, batch.bytes_skipped);
		skipped = batch.bytes_skipped;
		WRITE_ONCE(self->jobs, self->jobs + 1);
	} while (!ended);
	TH_LOG("%u jobs while pages came in", self->jobs);

	ASSERT_EQ(0, batch.bytes_skipped);
	ASSERT_EQ(UFFD_JOB_SIZE, uffd_job_bytes_mapped(job));
	ASSERT_EQ(0, uffd_job_guest_verify(job));
	ASSERT_FALSE(uffd_gate_knocked(&job->mem.gate));
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_RESIDENT);
	return test_harness_run(argc, argv);
}
