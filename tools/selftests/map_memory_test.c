// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx 7.3
/*
 * The ioctl KVM_MAP_MEMORY on a vCPU: what it maps, where it stops, and the
 * vCPU modes it refuses.
 */
#include "kvm_test_harness.h"

#include "lib/map_job.h"
#include "svm_util.h"
#include "vmx.h"

#define TEST_SIZE	(SZ_2M + PAGE_SIZE)
/* In the address space of SMM, which has slots of its own. */
#define SMRAM_SLOT	((1 << 16) | 1)
#define SMRAM_GPA	0x1000000
#define SMRAM_SIZE	SZ_64K
#define SMI_PORT	0xe

static const uint8_t smi_handler[] = {
	0xe4, SMI_PORT,		/* in $SMI_PORT, %al: exit to userspace */
	0x0f, 0xaa,		/* rsm */
};

#define expect_map(vcpu, gpa, bytes, wanted, left)			\
do {									\
	struct kvm_memory_mapping __m = {				\
		.base_address = (gpa), .size = (bytes) };		\
									\
	ASSERT_EQ(wanted, vcpu_map_memory(vcpu, &__m));			\
	ASSERT_EQ(left, __m.size);					\
	ASSERT_EQ((gpa) + (bytes), __m.base_address + __m.size);	\
	ASSERT_EQ(0, __m.flags);					\
} while (0)

FIXTURE(vm_type) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_VARIANT(vm_type) {
	unsigned long type;
	bool private;
};

FIXTURE_VARIANT_ADD(vm_type, default_vm) {
	.type = VM_TYPE_DEFAULT,
};

FIXTURE_VARIANT_ADD(vm_type, sw_protected_shared) {
	.type = KVM_X86_SW_PROTECTED_VM,
};

FIXTURE_VARIANT_ADD(vm_type, sw_protected_private) {
	.type = KVM_X86_SW_PROTECTED_VM,
	.private = true,
};

FIXTURE_SETUP(vm_type)
{
	if (variant->type &&
	    !(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(variant->type)))
		SKIP(return, "This KVM has no VMs of type %lu", variant->type);

	self->vm = test_vm_create_type(variant->type, 1, &self->vcpu);
	vm_userspace_mem_region_add(self->vm, VM_MEM_SRC_ANONYMOUS, TEST_GPA,
				    TEST_SLOT, TEST_SIZE / PAGE_SIZE,
				    variant->private ? KVM_MEM_GUEST_MEMFD : 0);
	if (variant->private)
		vm_mem_set_private(self->vm, TEST_GPA, TEST_SIZE);
	else
		self->hva = addr_gpa2hva(self->vm, TEST_GPA);
}

FIXTURE_TEARDOWN(vm_type)
{
	kvm_vm_free(self->vm);
}

TEST_F(vm_type, map_then_access)
{
	expect_map(self->vcpu, TEST_GPA, SZ_2M, 0, 0);
	expect_map(self->vcpu, TEST_GPA + SZ_2M, PAGE_SIZE, 0, 0);
	expect_map(self->vcpu, TEST_GPA + TEST_SIZE, PAGE_SIZE, -ENOENT, PAGE_SIZE);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

TEST_F(vm_type, stop_at_the_end_of_the_slot)
{
	expect_map(self->vcpu, TEST_GPA + SZ_2M, 2 * PAGE_SIZE, -ENOENT, PAGE_SIZE);
	expect_map(self->vcpu, TEST_GPA, TEST_SIZE + SZ_2M, -ENOENT, SZ_2M);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

/* Nothing below the end is lost, nothing beyond what was asked is mapped. */
TEST_F(vm_type, map_a_part)
{
	if (variant->private)
		SKIP(return, "guest_memfd may be mapped larger than asked");

	expect_map(self->vcpu, TEST_GPA + 3 * PAGE_SIZE, 5 * PAGE_SIZE, 0, 0);
	ASSERT_EQ(TEST_SIZE / PAGE_SIZE - 5,
		  guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(vm_type, map_again)
{
	expect_map(self->vcpu, TEST_GPA, TEST_SIZE, 0, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
	expect_map(self->vcpu, TEST_GPA, TEST_SIZE, 0, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

FIXTURE(vcpu_mode) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
};

FIXTURE_SETUP(vcpu_mode)
{
}

FIXTURE_TEARDOWN(vcpu_mode)
{
	kvm_vm_free(self->vm);
}

static void inject_smi(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	vcpu_events_get(vcpu, &events);
	events.smi.pending = 1;
	events.flags |= KVM_VCPUEVENT_VALID_SMM;
	vcpu_events_set(vcpu, &events);
}

static bool vcpu_is_in_smm(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	vcpu_events_get(vcpu, &events);
	return events.smi.smm;
}

TEST_F(vcpu_mode, smm)
{
	struct guest_pass nothing = {};
	void *smram;

	if (!kvm_has_cap(KVM_CAP_X86_SMM))
		SKIP(return, "This KVM has no SMM");

	self->vm = test_vm_create(1, &self->vcpu);
	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	smram = test_slot_add(self->vm, SMRAM_SLOT, SMRAM_GPA, SMRAM_SIZE,
			      VM_MEM_SRC_ANONYMOUS);
	memcpy(smram + 0x8000, smi_handler, sizeof(smi_handler));
	vcpu_set_msr(self->vcpu, MSR_IA32_SMBASE, SMRAM_GPA);

	guest_pass_run(self->vcpu, &nothing);
	inject_smi(self->vcpu);
	vcpu_run(self->vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(self->vcpu, KVM_EXIT_IO);
	ASSERT_EQ(SMI_PORT, self->vcpu->run->io.port);
	ASSERT_TRUE(vcpu_is_in_smm(self->vcpu));

	expect_map(self->vcpu, TEST_GPA, SZ_2M, -EOPNOTSUPP, SZ_2M);
	/* A job on the VM has no vCPU mode to mind. */
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA + SZ_2M,
			       PAGE_SIZE, 0, 1, NULL));

	guest_pass_run(self->vcpu, &nothing);
	ASSERT_FALSE(vcpu_is_in_smm(self->vcpu));
	expect_map(self->vcpu, TEST_GPA, SZ_2M, 0, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, NULL));
}

#define L2_STACK_SIZE	64

static void touch(uint64_t gpa, uint64_t size)
{
	uint64_t offset;

	for (offset = 0; offset < size; offset += PAGE_SIZE)
		*(volatile uint64_t *)(gpa + offset) += 1;
}

/* CPUID would exit to L1 on VMX: there is no asking in L2 which it is. */
static void l2_svm_code(void)
{
	GUEST_SYNC(2);
	vmmcall();
}

static void l2_vmx_code(void)
{
	GUEST_SYNC(2);
	vmcall();
}

static void l1_guest_code(void *nested)
{
	unsigned long l2_stack[L2_STACK_SIZE];

	/* The instructions of the pass that is counted below. */
	touch(TEST_GPA + SZ_2M, PAGE_SIZE);
	GUEST_SYNC(1);

	if (this_cpu_has(X86_FEATURE_SVM)) {
		struct svm_test_data *svm = nested;

		generic_svm_setup(svm, l2_svm_code, &l2_stack[L2_STACK_SIZE]);
		run_guest(svm->vmcb, svm->vmcb_gpa);
		GUEST_ASSERT_EQ(svm->vmcb->control.exit_code, SVM_EXIT_VMMCALL);
	} else {
		struct vmx_pages *vmx = nested;

		GUEST_ASSERT(prepare_for_vmx_operation(vmx));
		GUEST_ASSERT(load_vmcs(vmx));
		prepare_vmcs(vmx, l2_vmx_code, &l2_stack[L2_STACK_SIZE]);
		GUEST_ASSERT(!vmlaunch());
		GUEST_ASSERT_EQ(vmreadz(VM_EXIT_REASON), EXIT_REASON_VMCALL);
	}
	GUEST_SYNC(3);
	touch(TEST_GPA, SZ_2M);
	GUEST_SYNC(4);
}

static void run_to_stage(struct kvm_vcpu *vcpu, uint64_t stage)
{
	struct ucall uc;

	vcpu_run(vcpu);
	switch (get_ucall(vcpu, &uc)) {
	case UCALL_SYNC:
		TEST_ASSERT_EQ(uc.args[1], stage);
		break;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
		break;
	default:
		TEST_FAIL("exit reason %s", exit_reason_str(vcpu->run->exit_reason));
	}
}

TEST_F(vcpu_mode, nested_guest)
{
	vm_vaddr_t nested;
	uint64_t faults;

	if (!kvm_cpu_has(X86_FEATURE_SVM) && !kvm_cpu_has(X86_FEATURE_VMX))
		SKIP(return, "This KVM has no nested virtualisation");

	self->vm = test_vm_create(1, &self->vcpu);
	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	if (kvm_cpu_has(X86_FEATURE_SVM))
		vcpu_alloc_svm(self->vm, &nested);
	else
		vcpu_alloc_vmx(self->vm, &nested);
	vcpu_arch_set_entry_point(self->vcpu, l1_guest_code);
	vcpu_args_set(self->vcpu, 1, nested);

	run_to_stage(self->vcpu, 1);
	expect_map(self->vcpu, TEST_GPA, PAGE_SIZE, 0, 0);

	run_to_stage(self->vcpu, 2);
	expect_map(self->vcpu, TEST_GPA, SZ_2M, -EOPNOTSUPP, SZ_2M);
	/* A job on the VM maps for L1, whatever a vCPU is doing. */
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, SZ_1M, 0, 1, NULL));

	run_to_stage(self->vcpu, 3);
	expect_map(self->vcpu, TEST_GPA + SZ_1M, SZ_1M, 0, 0);

	faults = vcpu_get_stat(self->vcpu, "pf_taken");
	run_to_stage(self->vcpu, 4);
	ASSERT_EQ(0, vcpu_get_stat(self->vcpu, "pf_taken") - faults);
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_VCPU);
	return test_harness_run(argc, argv);
}
