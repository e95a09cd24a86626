// SPDX-License-Identifier: GPL-2.0
// quick: debug
/*
 * Memory becomes private and shared, and loses its private pages, while jobs map
 * it and a vCPU uses it: in the end each page is as its attributes say.
 */
// kernel: debug
#include <stdlib.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/private_vm.h"

#define NR_PAGES	PRIVATE_VM_PAGES
#define TEST_SIZE	PRIVATE_VM_SIZE
#define NR_ROUNDS	64

FIXTURE(moving) {
	struct private_vm pvm;
	uint64_t ops;		/* of the vCPU */
	unsigned int jobs;
	bool punch;		/* holes, rather than convert */
};

FIXTURE_VARIANT(moving) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(moving, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(moving, uring_3_workers) {
	.entry = MAP_BY_URING, .workers = 3,
};

FIXTURE_SETUP(moving)
{
	private_vm_create(&self->pvm);
}

FIXTURE_TEARDOWN(moving)
{
	private_vm_destroy(&self->pvm);
}

static void *use_all(void *data)
{
	FIXTURE_DATA(moving) *self = data;
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = NR_PAGES,
		.ops = self->ops | PASS_FOREVER | PASS_CONVERTED,
	};

	guest_pass_run(self->pvm.vcpu, &pass);
	return NULL;
}

static void convert(struct private_vm *pvm, uint64_t first, uint64_t nr)
{
	uint64_t gpa = TEST_GPA + first * PAGE_SIZE;

	if (random() % 2)
		vm_mem_set_private(pvm->vm, gpa, nr * PAGE_SIZE);
	else
		vm_mem_set_shared(pvm->vm, gpa, nr * PAGE_SIZE);
}

/* Rounds are counted; jobs end, and the vCPU touches pages, between them. */
static void *change(void *data)
{
	FIXTURE_DATA(moving) *self = data;
	uint64_t first, nr, progress = 0;
	unsigned int round, jobs = 0;

	srandom(1);
	for (round = 0; round < NR_ROUNDS; round++) {
		if (round % 8 == 0) {
			TEST_ASSERT(wait_until(READ_ONCE(self->jobs) > jobs &&
					       guest_pass_progress(self->pvm.vcpu) > progress),
				    "No job ends, or the guest stands still");
			jobs = READ_ONCE(self->jobs);
			progress = guest_pass_progress(self->pvm.vcpu);
		}

		first = random() % NR_PAGES;
		nr = 1 + random() % (NR_PAGES - first);
		if (self->punch)
			private_vm_punch_hole(&self->pvm, first, nr);
		else
			convert(&self->pvm, first, nr);
	}
	return NULL;
}

static void map_meanwhile(FIXTURE_DATA(moving) *self,
			  const FIXTURE_VARIANT(moving) *variant)
{
	struct kvm_map_memory_batch batch;
	pthread_t user, changer;

	TEST_ASSERT(!pthread_create(&user, NULL, use_all, self) &&
		    !pthread_create(&changer, NULL, change, self),
		    "Cannot create threads");
	while (pthread_tryjoin_np(changer, NULL)) {
		TEST_ASSERT_EQ(map_range(self->pvm.vm, variant->entry, TEST_GPA,
					 TEST_SIZE, 0, variant->workers, &batch), 0);
		TEST_ASSERT_EQ(batch.bytes_mapped + batch.bytes_present, TEST_SIZE);
		WRITE_ONCE(self->jobs, self->jobs + 1);
	}
	guest_pass_stop(self->pvm.vcpu);
	pthread_join(user, NULL);
}

static void map_finally(FIXTURE_DATA(moving) *self,
			const FIXTURE_VARIANT(moving) *variant)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(map_range(self->pvm.vm, variant->entry, TEST_GPA, TEST_SIZE, 0,
				 variant->workers, &batch), 0);
	assert_batch_done(&batch, batch.bytes_mapped, TEST_SIZE - batch.bytes_mapped);
}

TEST_F_TIMEOUT(moving, converted, 60)
{
	struct private_vm *pvm = &self->pvm;
	uint64_t i;

	for (i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(pvm->hva + i * PAGE_SIZE) = SHARED_WORD + i / 2;
	private_vm_convert(pvm, 0, NR_PAGES, 1);
	private_vm_pass(pvm, 0, 2, PASS_WRITE, PRIVATE_WORD);

	self->ops = PASS_READ;
	map_meanwhile(self, variant);

	vm_mem_set_shared(pvm->vm, TEST_GPA, TEST_SIZE);
	private_vm_convert(pvm, 0, NR_PAGES / 2, 2);
	map_finally(self, variant);
	ASSERT_EQ(0, private_vm_pass(pvm, 0, 2, PASS_READ | PASS_VERIFY, PRIVATE_WORD));
	ASSERT_EQ(0, private_vm_pass(pvm, 1, 2, PASS_READ | PASS_VERIFY, SHARED_WORD));

	/* And to the VMM's memory goes what is written to shared pages only. */
	ASSERT_EQ(0, private_vm_pass(pvm, 0, 1, PASS_WRITE, 0));
	for (i = 0; i < NR_PAGES; i++)
		ASSERT_EQ(i % 2 ? i : SHARED_WORD + i / 2,
			  *(uint64_t *)(pvm->hva + i * PAGE_SIZE));
}

TEST_F_TIMEOUT(moving, holes, 60)
{
	private_vm_convert(&self->pvm, 0, NR_PAGES, 1);
	self->ops = PASS_WRITE;
	self->punch = true;
	map_meanwhile(self, variant);
	map_finally(self, variant);
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 1, PASS_WRITE, PRIVATE_WORD));
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 1, PASS_READ | PASS_VERIFY,
				     PRIVATE_WORD));
	ASSERT_EQ(0, private_vm_shared_pages(&self->pvm));
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SW_PROTECTED_VM));
	return test_harness_run(argc, argv);
}
