// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx
/*
 * The answer of the capability, on /dev/kvm and on VMs.  The other tests skip
 * what it does not announce; this one fails.
 */
#include "kvm_test_harness.h"

#include "lib/map_job.h"

#define FEATURES	(KVM_MAP_MEMORY_FEATURE_VCPU |			\
			 KVM_MAP_MEMORY_FEATURE_BATCH |			\
			 KVM_MAP_MEMORY_FEATURE_URING |			\
			 KVM_MAP_MEMORY_FEATURE_READ |			\
			 KVM_MAP_MEMORY_FEATURE_RESIDENT |		\
			 KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS |		\
			 KVM_MAP_MEMORY_FEATURE_OWN_THREADS |		\
			 KVM_MAP_MEMORY_FEATURE_PROGRESS |		\
			 KVM_MAP_MEMORY_FEATURE_BACKGROUND)

TEST(of_the_system)
{
	ASSERT_EQ(FEATURES, kvm_check_cap(KVM_CAP_MAP_MEMORY));
}

TEST(of_a_vm)
{
	struct kvm_vm *vm = vm_create_barebones();

	ASSERT_EQ(kvm_check_cap(KVM_CAP_MAP_MEMORY),
		  vm_check_cap(vm, KVM_CAP_MAP_MEMORY));
	kvm_vm_free(vm);
}

/* Numbers that the header may not change any more. */
TEST(abi)
{
	ASSERT_EQ(24, sizeof(struct kvm_memory_mapping));
	ASSERT_EQ(128, sizeof(struct kvm_map_memory_batch));
	ASSERT_EQ(16, sizeof(struct kvm_map_memory_cmd));
	ASSERT_EQ(0xc018aef0, KVM_MAP_MEMORY);
	ASSERT_EQ(0xc080aef1, KVM_MAP_MEMORY_BATCH);
	ASSERT_EQ(0x4b500000, KVM_CAP_MAP_MEMORY);
	ASSERT_EQ(24, offsetof(struct kvm_map_memory_batch, bytes_mapped));
	ASSERT_EQ(48, offsetof(struct kvm_map_memory_batch, workers_used));
	ASSERT_EQ(56, offsetof(struct kvm_map_memory_batch, progress));
	ASSERT_EQ(64, offsetof(struct kvm_map_memory_batch, reserved));
	ASSERT_EQ(32, sizeof(struct kvm_map_memory_progress));
}

/* The neighbours are nobody's. */
TEST(other_numbers)
{
	struct kvm_vm *vm = vm_create_barebones();
	struct kvm_map_memory_batch batch = {};

	ASSERT_EQ(0, vm_check_cap(vm, KVM_CAP_MAP_MEMORY - 1));
	ASSERT_EQ(0, vm_check_cap(vm, KVM_CAP_MAP_MEMORY + 1));
	ASSERT_EQ(-1, ioctl(vm->fd, KVM_MAP_MEMORY_BATCH + 1, &batch));
	ASSERT_EQ(ENOTTY, errno);
	kvm_vm_free(vm);
}

TEST_HARNESS_MAIN
