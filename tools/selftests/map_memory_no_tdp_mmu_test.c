// SPDX-License-Identifier: GPL-2.0
// quick: svm
// testvm: --kvm-param tdp_mmu=0
/*
 * Without the TDP MMU nothing is announced, and what is tried all the same is
 * refused without a trace.
 */
#include "kvm_test_harness.h"

#include "lib/map_job.h"

FIXTURE(no_tdp_mmu) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
};

FIXTURE_SETUP(no_tdp_mmu)
{
	if (get_kvm_param_bool("tdp_mmu"))
		SKIP(return, "kvm was loaded with tdp_mmu=1");

	self->vm = test_vm_create(1, &self->vcpu);
	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, SZ_1M, VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(no_tdp_mmu)
{
	kvm_vm_free(self->vm);
}

TEST_F(no_tdp_mmu, capability)
{
	ASSERT_EQ(0, kvm_check_cap(KVM_CAP_MAP_MEMORY));
	ASSERT_EQ(0, vm_check_cap(self->vm, KVM_CAP_MAP_MEMORY));
}

TEST_F(no_tdp_mmu, vcpu_ioctl)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = SZ_1M,
	};

	ASSERT_EQ(-EOPNOTSUPP, vcpu_map_memory(self->vcpu, &mapping));
	ASSERT_EQ(TEST_GPA, mapping.base_address);
	ASSERT_EQ(SZ_1M, mapping.size);
	mapping.flags = 1ULL << 63;
	ASSERT_EQ(-EINVAL, vcpu_map_memory(self->vcpu, &mapping));
}

static void expect_refused(struct kvm_vm *vm, enum map_entry entry)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = SZ_1M,
	};
	struct kvm_map_memory_batch batch, before;

	map_batch_init(&batch, &mapping, 1, 2);
	before = batch;
	TEST_ASSERT_EQ(map_batch(vm, entry, &batch), -EOPNOTSUPP);
	TEST_ASSERT(!memcmp(&before, &batch, sizeof(batch)) &&
		    mapping.size == SZ_1M,
		    "The structures of a refused batch were written to");
	batch.flags = 1ULL << 63;
	TEST_ASSERT_EQ(map_batch(vm, entry, &batch), -EINVAL);
}

TEST_F(no_tdp_mmu, batch_ioctl)
{
	expect_refused(self->vm, MAP_BY_IOCTL);
}

TEST_F(no_tdp_mmu, uring_command)
{
	expect_refused(self->vm, MAP_BY_URING);
}

/* The guest itself does not mind. */
TEST_F(no_tdp_mmu, guest)
{
	ASSERT_LT(0, guest_read_write(self->vcpu, TEST_GPA, SZ_1M, NULL));
}

TEST_HARNESS_MAIN
