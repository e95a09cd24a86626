// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: the guest does not fault on memory that was mapped ahead of its use,
 * by a batch or by a vCPU, and each call reports what it did.
 */
#include <linux/kvm_map_memory.h>
#include <linux/sizes.h>

#include <kvm_util.h>
#include <processor.h>
#include <test_util.h>
#include <ucall_common.h>

#define TEST_SLOT		10
#define TEST_GPA		SZ_1G
#define TEST_SIZE		(SZ_4M + SZ_64K)
#define TEST_NPAGES		(TEST_SIZE / PAGE_SIZE)

/* Beyond the first sync the guest touches no memory that it has not touched before. */
static void guest_code(void)
{
	u64 i;

	GUEST_SYNC(0);

	for (i = 0; i < TEST_NPAGES; i++)
		WRITE_ONCE(*(u64 *)(TEST_GPA + i * PAGE_SIZE), i + 1);

	GUEST_SYNC(1);
}

static struct kvm_vm *create_vm(struct kvm_vcpu **vcpu)
{
	struct kvm_vm *vm = vm_create_with_one_vcpu(vcpu, guest_code);

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, TEST_GPA, TEST_SLOT,
				    TEST_NPAGES, 0);
	virt_map(vm, TEST_GPA, TEST_GPA, TEST_NPAGES);

	return vm;
}

static void run_until_sync(struct kvm_vcpu *vcpu, u64 stage)
{
	struct ucall uc;

	vcpu_run(vcpu);
	TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
	TEST_ASSERT_EQ(uc.args[1], stage);
}

static int __map_batch(struct kvm_vm *vm, struct kvm_map_memory_batch *batch,
		       struct kvm_memory_mapping *mappings, u32 nr_mappings)
{
	batch->mappings = (uintptr_t)mappings;
	batch->nr_mappings = nr_mappings;

	return __vm_ioctl(vm, KVM_MAP_MEMORY_BATCH, batch);
}

static void map_batch(struct kvm_vm *vm, struct kvm_map_memory_batch *batch,
		      struct kvm_memory_mapping *mappings, u32 nr_mappings)
{
	int r = __map_batch(vm, batch, mappings, nr_mappings);

	TEST_ASSERT_VM_VCPU_IOCTL(!r, KVM_MAP_MEMORY_BATCH, r, vm);
}

/* Slot 0 has the guest's code and page tables. */
static struct kvm_memory_mapping slot0_mapping(struct kvm_vm *vm)
{
	const struct userspace_mem_region *region = memslot2region(vm, 0);

	return (struct kvm_memory_mapping) {
		.base_address = region->region.guest_phys_addr,
		.size = region->region.memory_size,
	};
}

static void assert_guest_writes_without_fault(struct kvm_vcpu *vcpu)
{
	u64 faults;

	run_until_sync(vcpu, 0);
	faults = vcpu_get_stat(vcpu, pf_taken);
	run_until_sync(vcpu, 1);
	TEST_ASSERT_EQ(vcpu_get_stat(vcpu, pf_taken), faults);
}

static void test_batch(void)
{
	struct kvm_memory_mapping mappings[2];
	struct kvm_map_memory_batch batch = {};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 size, mapped;

	vm = create_vm(&vcpu);
	mappings[0] = slot0_mapping(vm);
	mappings[1] = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	size = mappings[0].size + TEST_SIZE;

	map_batch(vm, &batch, mappings, 2);
	TEST_ASSERT_EQ(mappings[0].size, 0);
	TEST_ASSERT_EQ(mappings[1].size, 0);
	TEST_ASSERT_EQ(mappings[1].base_address, TEST_GPA + TEST_SIZE);
	TEST_ASSERT_EQ(batch.first_undone, 2);
	TEST_ASSERT(batch.workers_used >= 1, "A batch that mapped had no worker");
	TEST_ASSERT_EQ(batch.bytes_mapped + batch.bytes_present, size);
	mapped = batch.bytes_mapped;

	assert_guest_writes_without_fault(vcpu);

	/* Now all of it is there. */
	mappings[0] = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	map_batch(vm, &batch, mappings, 1);
	TEST_ASSERT_EQ(batch.bytes_mapped, 0);
	TEST_ASSERT_EQ(batch.bytes_present, TEST_SIZE);

	TEST_ASSERT_EQ(vm_get_stat(vm, map_memory_jobs_done), 2);
	TEST_ASSERT_EQ(vm_get_stat(vm, map_memory_bytes_mapped), mapped);

	kvm_vm_free(vm);
}

static void test_vcpu(void)
{
	struct kvm_memory_mapping mapping;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = create_vm(&vcpu);
	mapping = slot0_mapping(vm);
	vcpu_ioctl(vcpu, KVM_MAP_MEMORY, &mapping);
	TEST_ASSERT_EQ(mapping.size, 0);

	mapping = (struct kvm_memory_mapping) {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	vcpu_ioctl(vcpu, KVM_MAP_MEMORY, &mapping);
	TEST_ASSERT_EQ(mapping.size, 0);

	assert_guest_writes_without_fault(vcpu);
	kvm_vm_free(vm);
}

/* No page of the slot was ever touched. */
static void test_resident(void)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
		.flags = KVM_MEMORY_MAPPING_RESIDENT,
	};
	struct kvm_map_memory_batch batch = {};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = create_vm(&vcpu);
	map_batch(vm, &batch, &mapping, 1);
	TEST_ASSERT_EQ(batch.bytes_mapped, 0);
	TEST_ASSERT_EQ(batch.bytes_skipped, TEST_SIZE);
	kvm_vm_free(vm);
}

static void assert_batch_fails(struct kvm_vm *vm, struct kvm_map_memory_batch *batch,
			       struct kvm_memory_mapping *mapping, int error)
{
	int r = __map_batch(vm, batch, mapping, 1);

	TEST_ASSERT(r == -1 && errno == error,
		    "Expected errno %d, got result %d, errno %d", error, r, errno);
}

static void test_errors(void)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA + 1,
		.size = TEST_SIZE,
	};
	struct kvm_map_memory_batch batch = {};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int r;

	vm = create_vm(&vcpu);
	assert_batch_fails(vm, &batch, &mapping, EINVAL);

	mapping.base_address = TEST_GPA;
	batch.reserved[7] = 1;
	assert_batch_fails(vm, &batch, &mapping, EINVAL);
	batch.reserved[7] = 0;

	/* Half of it is there. */
	mapping.base_address = TEST_GPA + TEST_SIZE - PAGE_SIZE;
	mapping.size = 2 * PAGE_SIZE;
	assert_batch_fails(vm, &batch, &mapping, ENOENT);
	TEST_ASSERT_EQ(mapping.base_address, TEST_GPA + TEST_SIZE);
	TEST_ASSERT_EQ(mapping.size, PAGE_SIZE);
	TEST_ASSERT_EQ(batch.first_undone, 0);
	TEST_ASSERT_EQ(batch.bytes_mapped, PAGE_SIZE);

	/* No batch is running. */
	r = __vm_ioctl(vm, KVM_MAP_MEMORY_JOIN, &batch);
	TEST_ASSERT(r == -1 && errno == ENOENT, KVM_IOCTL_ERROR(KVM_MAP_MEMORY_JOIN, r));
	vm_ioctl(vm, KVM_MAP_MEMORY_END_HELPERS, NULL);

	kvm_vm_free(vm);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY));

	test_batch();
	test_vcpu();
	test_resident();
	test_errors();

	return 0;
}
