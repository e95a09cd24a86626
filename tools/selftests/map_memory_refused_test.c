// SPDX-License-Identifier: GPL-2.0
// quick: svm 7.3
// vmx: --file build/selftests/modules/kvm_refuse.ko
/*
 * A VM that may not be mapped ahead of its use, as an SEV guest and one whose
 * private memory is still being set up: every entry says so, nothing changes,
 * and no other VM is concerned.  The machine has neither; a module has a VM
 * answer like one.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/test_module.h"

#define TEST_SIZE	((uint64_t)SZ_4M)
/* Mapped before the VM refuses. */
#define MAPPED_SIZE	((uint64_t)SZ_1M)

FIXTURE(refused) {
	struct kvm_vm *vm;
	struct kvm_vm *other;
	struct kvm_vcpu *vcpu;
	struct kvm_vcpu *other_vcpu;
	void *hva;
};

FIXTURE_VARIANT(refused) {
	const char *parameters;
	bool by_the_hook;
};

FIXTURE_VARIANT_ADD(refused, by_the_hook) {
	.parameters = "vm_fd=%d", .by_the_hook = true,
};

FIXTURE_VARIANT_ADD(refused, being_set_up) {
	.parameters = "vm_fd=%d being_set_up=1",
};

static bool unload(void)
{
	return test_module_unload("kvm_refuse");
}

FIXTURE_SETUP(refused)
{
	char parameters[64];

	if (!test_module_can_probe())
		SKIP(return, "This kernel has no kprobes");
	if (variant->by_the_hook && !test_module_can_find("sev_pre_mmu_map_page"))
		SKIP(return, "Only kvm-amd of Linux 6.12 has the hook");
	/* Of a test that failed. */
	unload();

	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	self->other = test_vm_create(1, &self->other_vcpu);
	test_slot_add(self->other, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);

	ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, MAPPED_SIZE, 0, 1, NULL));
	snprintf(parameters, sizeof(parameters), variant->parameters, self->vm->fd);
	test_module_load("kvm_refuse", parameters);
}

FIXTURE_TEARDOWN(refused)
{
	unload();
	kvm_vm_free(self->vm);
	kvm_vm_free(self->other);
}

static void expect_unchanged(FIXTURE_DATA(refused) *self)
{
	uint64_t offset;

	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), MAPPED_SIZE / PAGE_SIZE);
	for (offset = MAPPED_SIZE; offset < TEST_SIZE; offset += PAGE_SIZE)
		TEST_ASSERT(!page_is_present(self->hva + offset),
			    "Memory was allocated for 0x%lx", offset);
}

TEST_F(refused, capability)
{
	unsigned int all = kvm_check_cap(KVM_CAP_MAP_MEMORY);

	/* /dev/kvm speaks of what there is at all. */
	ASSERT_LT(0, all);
	ASSERT_EQ(0, vm_check_cap(self->vm, KVM_CAP_MAP_MEMORY));
	ASSERT_EQ(all, vm_check_cap(self->other, KVM_CAP_MAP_MEMORY));
	ASSERT_TRUE(unload());
	ASSERT_EQ(all, vm_check_cap(self->vm, KVM_CAP_MAP_MEMORY));
}

static void expect_batch_refused(FIXTURE_DATA(refused) *self, enum map_entry entry,
				 uint64_t flags)
{
	struct kvm_memory_mapping mappings[] = {
		{ .base_address = TEST_GPA, .size = TEST_SIZE, .flags = flags },
		{ .base_address = TEST_GPA, .size = 0 },
	}, mappings_before[2];
	struct kvm_map_memory_batch batch, before;

	map_batch_init(&batch, mappings, 2, 3);
	batch.bytes_mapped = batch.bytes_present = batch.bytes_skipped = 1;
	batch.first_undone = 2;
	before = batch;
	memcpy(mappings_before, mappings, sizeof(mappings));
	TEST_ASSERT_EQ(map_batch(self->vm, entry, &batch), -EOPNOTSUPP);
	TEST_ASSERT(!memcmp(&before, &batch, sizeof(batch)) &&
		    !memcmp(mappings_before, mappings, sizeof(mappings)),
		    "What was refused was written to");
	expect_unchanged(self);
}

TEST_F(refused, batch)
{
	struct kvm_map_memory_batch batch;

	expect_batch_refused(self, MAP_BY_IOCTL, 0);
	expect_batch_refused(self, MAP_BY_URING, 0);
	expect_batch_refused(self, MAP_BY_IOCTL, KVM_MEMORY_MAPPING_FLAGS_ALL);
	expect_batch_refused(self, MAP_BY_URING, KVM_MEMORY_MAPPING_FLAGS_ALL);
	ASSERT_EQ(0, count_threads(HELPER_COMM));

	/* Bad input is told first. */
	ASSERT_EQ(-EFAULT, map_batch_at(self->vm->fd, MAP_BY_IOCTL, 0));
	map_batch_init(&batch, NULL, 0, 0);
	ASSERT_EQ(-EINVAL, map_batch(self->vm, MAP_BY_URING, &batch));
}

TEST_F(refused, vcpu)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};

	ASSERT_EQ(-EOPNOTSUPP, vcpu_map_memory(self->vcpu, &mapping));
	ASSERT_EQ(TEST_GPA, mapping.base_address);
	ASSERT_EQ(TEST_SIZE, mapping.size);
	expect_unchanged(self);

	mapping.size = 0;
	ASSERT_EQ(-EINVAL, vcpu_map_memory(self->vcpu, &mapping));
}

/* The guest itself is not hindered, nor is another VM. */
TEST_F(refused, others_are_not)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = SZ_2M,
	};

	ASSERT_EQ(0, guest_write(self->vcpu, TEST_GPA, MAPPED_SIZE));
	ASSERT_EQ(1, guest_write(self->vcpu, TEST_GPA + MAPPED_SIZE, PAGE_SIZE));

	ASSERT_EQ(0, vcpu_map_memory(self->other_vcpu, &mapping));
	ASSERT_EQ(0, map_range(self->other, MAP_BY_IOCTL, TEST_GPA, 3 * SZ_1M, 0, 2, NULL));
	ASSERT_EQ(0, map_range(self->other, MAP_BY_URING, TEST_GPA, TEST_SIZE, 0, 2, NULL));
	ASSERT_EQ(0, guest_write(self->other_vcpu, TEST_GPA, TEST_SIZE));
}

/* Each call asks anew about something that was refused once. */
TEST_F(refused, no_longer)
{
	struct kvm_map_memory_batch batch;

	expect_batch_refused(self, MAP_BY_URING, 0);
	ASSERT_TRUE(unload());
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_URING, TEST_GPA, TEST_SIZE, 0, 2, &batch));
	assert_batch_done(&batch, TEST_SIZE - MAPPED_SIZE, MAPPED_SIZE);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_RESIDENT);
	return test_harness_run(argc, argv);
}
