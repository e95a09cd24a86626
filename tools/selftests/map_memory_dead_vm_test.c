// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * A VM that KVM has given up, as it does when a vCPU cannot store its state on
 * entry to SMM: every call answers -EIO and changes nothing.
 */
#include "kvm_test_harness.h"

#include "lib/map_job.h"

FIXTURE(dead_vm) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
};

FIXTURE_SETUP(dead_vm)
{
	struct kvm_vcpu_events events;
	struct guest_pass nothing = {};

	if (!kvm_has_cap(KVM_CAP_X86_SMM))
		SKIP(return, "This KVM has no SMM");

	self->vm = test_vm_create(1, &self->vcpu);
	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, SZ_1M, VM_MEM_SRC_ANONYMOUS);
	guest_pass_run(self->vcpu, &nothing);

	/* There is no memory where the state would have to go. */
	vcpu_events_get(self->vcpu, &events);
	events.smi.pending = 1;
	events.flags |= KVM_VCPUEVENT_VALID_SMM;
	vcpu_events_set(self->vcpu, &events);
	vcpu_set_msr(self->vcpu, MSR_IA32_SMBASE, TEST_GPA + SZ_1G / 2);
	ASSERT_EQ(-1, __vcpu_run(self->vcpu));
	ASSERT_EQ(EIO, errno);

	self->mapping.base_address = TEST_GPA;
	self->mapping.size = SZ_1M;
	map_batch_init(&self->batch, &self->mapping, 1, 2);
}

/* The library asserts that its ioctls work, which those of this VM do not. */
FIXTURE_TEARDOWN(dead_vm)
{
}

TEST_F(dead_vm, vcpu_ioctl)
{
	ASSERT_EQ(-EIO, vcpu_map_memory(self->vcpu, &self->mapping));
	ASSERT_EQ(SZ_1M, self->mapping.size);
}

static void expect_eio(FIXTURE_DATA(dead_vm) *self, enum map_entry entry)
{
	struct kvm_map_memory_batch before = self->batch;

	TEST_ASSERT_EQ(map_batch(self->vm, entry, &self->batch), -EIO);
	TEST_ASSERT(!memcmp(&before, &self->batch, sizeof(before)) &&
		    self->mapping.size == SZ_1M,
		    "The structures of a refused batch were written to");
}

TEST_F(dead_vm, batch_ioctl)
{
	expect_eio(self, MAP_BY_IOCTL);
}

TEST_F(dead_vm, uring_command)
{
	expect_eio(self, MAP_BY_URING);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
