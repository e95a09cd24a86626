// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * Another thread takes the caller's structures away while the call works: the
 * memory is mapped all the same, and the result tells that the results are lost.
 */
#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"

FIXTURE(lost) {
	struct blocked_job job;
	struct map_thread thread;
	struct kvm_map_memory_batch *batch;
	struct kvm_memory_mapping *mappings;
};

FIXTURE_VARIANT(lost) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(lost, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(lost, ioctl_4_workers) {
	.entry = MAP_BY_IOCTL, .workers = 4,
};

FIXTURE_VARIANT_ADD(lost, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(lost, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

FIXTURE_SETUP(lost)
{
	if (!blocked_job_create(&self->job, variant->workers))
		SKIP(return, "userfaultfd is not permitted");

	/* Pages of their own, which can be taken away one by one. */
	self->batch = test_mem_alloc(PAGE_SIZE);
	self->mappings = test_mem_alloc(PAGE_SIZE);
	*self->batch = self->job.batch;
	memcpy(self->mappings, self->job.mappings, sizeof(self->job.mappings));
	self->batch->mappings = (uint64_t)self->mappings;
	map_thread_start(&self->thread, self->job.vm, variant->entry, self->batch);
	blocked_job_wait(&self->job);
}

FIXTURE_TEARDOWN(lost)
{
	kvm_vm_free(self->job.vm);
}

static void expect_lost_but_mapped(FIXTURE_DATA(lost) *self)
{
	struct blocked_job *job = &self->job;
	uint64_t faults;

	uffd_gate_destroy(&job->gate);
	TEST_ASSERT_EQ(map_thread_join(&self->thread), -EFAULT);
	faults = guest_read_write(job->vcpu, TEST_GPA, BLOCKED_SIZE, job->hva);
	TEST_ASSERT_EQ(faults, 0);
}

TEST_F(lost, structure_read_only)
{
	struct kvm_map_memory_batch before = *self->batch;

	ASSERT_EQ(0, mprotect(self->batch, PAGE_SIZE, PROT_READ));
	expect_lost_but_mapped(self);
	ASSERT_EQ(0, memcmp(&before, self->batch, sizeof(before)));
}

TEST_F(lost, structure_unmapped)
{
	ASSERT_EQ(0, munmap(self->batch, PAGE_SIZE));
	expect_lost_but_mapped(self);
}

TEST_F(lost, vector_read_only)
{
	ASSERT_EQ(0, mprotect(self->mappings, PAGE_SIZE, PROT_READ));
	expect_lost_but_mapped(self);
	ASSERT_EQ(0, memcmp(self->mappings, self->job.mappings,
			    sizeof(self->job.mappings)));
}

TEST_F(lost, vector_unmapped)
{
	ASSERT_EQ(0, munmap(self->mappings, PAGE_SIZE));
	expect_lost_but_mapped(self);
}

FIXTURE(lost_on_vcpu) {
	struct blocked_job job;
	struct kvm_memory_mapping *mapping;
	pthread_t thread;
	int result;
};

static void *map_on_vcpu(void *data)
{
	FIXTURE_DATA(lost_on_vcpu) *self = data;

	self->result = vcpu_map_memory(self->job.vcpu, self->mapping);
	return NULL;
}

FIXTURE_SETUP(lost_on_vcpu)
{
	if (!blocked_job_create(&self->job, 1))
		SKIP(return, "userfaultfd is not permitted");

	self->mapping = test_mem_alloc(PAGE_SIZE);
	self->mapping->base_address = TEST_GPA;
	self->mapping->size = BLOCKED_SIZE;
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, map_on_vcpu, self));
	blocked_job_wait(&self->job);
}

FIXTURE_TEARDOWN(lost_on_vcpu)
{
	kvm_vm_free(self->job.vm);
}

TEST_F(lost_on_vcpu, structure_read_only)
{
	struct blocked_job *job = &self->job;

	ASSERT_EQ(0, mprotect(self->mapping, PAGE_SIZE, PROT_READ));
	uffd_gate_destroy(&job->gate);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	ASSERT_EQ(-EFAULT, self->result);
	ASSERT_EQ(TEST_GPA, self->mapping->base_address);
	ASSERT_EQ(BLOCKED_SIZE, self->mapping->size);
	ASSERT_EQ(0, guest_read_write(job->vcpu, TEST_GPA, BLOCKED_SIZE, job->hva));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_VCPU);
	map_require_batches();
	return test_harness_run(argc, argv);
}
