// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Input that KVM_MAP_MEMORY on a vCPU refuses: each errno, and nothing
 * changed by the refused call.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(16 * PAGE_SIZE)

FIXTURE(vcpu_input) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_SETUP(vcpu_input)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(vcpu_input)
{
	kvm_vm_free(self->vm);
}

static void expect_refused(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size,
			   uint64_t flags, int wanted)
{
	const struct kvm_memory_mapping asked = {
		.base_address = gpa,
		.size = size,
		.flags = flags,
	};
	struct kvm_memory_mapping mapping = asked;
	uint64_t pages = vm_get_stat(vcpu->vm, "pages_4k");

	TEST_ASSERT_EQ(vcpu_map_memory(vcpu, &mapping), wanted);
	TEST_ASSERT(!memcmp(&mapping, &asked, sizeof(asked)),
		    "A refused structure was written to");
	TEST_ASSERT_EQ(vm_get_stat(vcpu->vm, "pages_4k"), pages);
}

TEST_F(vcpu_input, unaligned)
{
	expect_refused(self->vcpu, TEST_GPA + 1, PAGE_SIZE, 0, -EINVAL);
	expect_refused(self->vcpu, TEST_GPA + 2048, PAGE_SIZE, 0, -EINVAL);
	expect_refused(self->vcpu, TEST_GPA, PAGE_SIZE + 1, 0, -EINVAL);
	expect_refused(self->vcpu, TEST_GPA, 2048, 0, -EINVAL);
}

TEST_F(vcpu_input, size_zero)
{
	expect_refused(self->vcpu, TEST_GPA, 0, 0, -EINVAL);
}

TEST_F(vcpu_input, wrap_around)
{
	expect_refused(self->vcpu, TEST_GPA, -TEST_GPA, 0, -EINVAL);
	expect_refused(self->vcpu, -PAGE_SIZE, PAGE_SIZE, 0, -EINVAL);
	expect_refused(self->vcpu, -PAGE_SIZE, 2 * PAGE_SIZE, 0, -EINVAL);
	expect_refused(self->vcpu, PAGE_SIZE, -PAGE_SIZE, 0, -EINVAL);
}

TEST_F(vcpu_input, beyond_the_physical_width)
{
	uint64_t end = 1ULL << self->vm->pa_bits;

	expect_refused(self->vcpu, 1ULL << 52, PAGE_SIZE, 0, -EINVAL);
	expect_refused(self->vcpu, end, PAGE_SIZE, 0, -EINVAL);
	expect_refused(self->vcpu, end - PAGE_SIZE, 2 * PAGE_SIZE, 0, -EINVAL);
	/* The last page there can be is a hole, but no bad input. */
	expect_refused(self->vcpu, end - PAGE_SIZE, PAGE_SIZE, 0, -ENOENT);
}

TEST_F(vcpu_input, unknown_flags)
{
	int bit;

	for (bit = 0; bit < 64; bit++)
		if (!(KVM_MEMORY_MAPPING_FLAGS_ALL & (1ULL << bit)))
			expect_refused(self->vcpu, TEST_GPA, PAGE_SIZE,
				       1ULL << bit, -EINVAL);
}

TEST_F(vcpu_input, hole)
{
	expect_refused(self->vcpu, TEST_GPA - PAGE_SIZE, PAGE_SIZE, 0, -ENOENT);
	expect_refused(self->vcpu, TEST_GPA + TEST_SIZE, PAGE_SIZE, 0, -ENOENT);
}

TEST_F(vcpu_input, bad_pointer)
{
	uint64_t pages = vm_get_stat(self->vm, "pages_4k");

	ASSERT_EQ(-1, ioctl(self->vcpu->fd, KVM_MAP_MEMORY, NULL));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(-1, ioctl(self->vcpu->fd, KVM_MAP_MEMORY, -4096UL));
	ASSERT_EQ(EFAULT, errno);
	ASSERT_EQ(pages, vm_get_stat(self->vm, "pages_4k"));
}

/* Nothing is done that cannot be reported. */
TEST_F(vcpu_input, read_only_structure)
{
	uint64_t pages = vm_get_stat(self->vm, "pages_4k");
	struct kvm_memory_mapping *mapping;

	mapping = test_mem_alloc(PAGE_SIZE);
	mapping->base_address = TEST_GPA;
	mapping->size = PAGE_SIZE;
	ASSERT_EQ(0, mprotect(mapping, PAGE_SIZE, PROT_READ));
	ASSERT_EQ(-EFAULT, vcpu_map_memory(self->vcpu, mapping));
	ASSERT_EQ(PAGE_SIZE, mapping->size);
	ASSERT_EQ(pages, vm_get_stat(self->vm, "pages_4k"));
}

/* The VM's number is no vCPU's, nor the other way round. */
TEST_F(vcpu_input, wrong_file)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = PAGE_SIZE,
	};
	struct kvm_map_memory_batch batch;

	map_batch_init(&batch, &mapping, 1, 1);
	ASSERT_EQ(-1, ioctl(self->vm->fd, KVM_MAP_MEMORY, &mapping));
	ASSERT_EQ(ENOTTY, errno);
	ASSERT_EQ(-1, ioctl(self->vcpu->fd, KVM_MAP_MEMORY_BATCH, &batch));
	ASSERT_TRUE(errno == ENOTTY || errno == EINVAL);
	ASSERT_EQ(PAGE_SIZE, mapping.size);
	ASSERT_EQ(0, batch.workers_used);
}

/* A child has the descriptor, but not the memory that the VM is made of. */
TEST_F(vcpu_input, vm_of_another_process)
{
	const struct kvm_memory_mapping asked = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
	};
	struct kvm_memory_mapping mapping = asked;
	uint64_t pages = vm_get_stat(self->vm, "pages_4k");
	pid_t child = fork();
	int status;

	ASSERT_LE(0, child);
	if (!child) {
		if (vcpu_map_memory(self->vcpu, &mapping) != -EIO)
			_exit(1);
		if (memcmp(&mapping, &asked, sizeof(asked)))
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	ASSERT_EQ(0, WEXITSTATUS(status));
	ASSERT_EQ(pages, vm_get_stat(self->vm, "pages_4k"));

	/* For the process it belongs to the vCPU is as good as before. */
	ASSERT_EQ(0, vcpu_map_memory(self->vcpu, &mapping));
	ASSERT_EQ(0, mapping.size);
}

/* Read behaviour: the zero page, and two faults to write a page after all. */
TEST_F(vcpu_input, read_flag)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE,
		.flags = KVM_MEMORY_MAPPING_READ,
	};

	ASSERT_EQ(0, vcpu_map_memory(self->vcpu, &mapping));
	ASSERT_EQ(0, mapping.size);
	ASSERT_EQ(TEST_GPA + TEST_SIZE, mapping.base_address);
	ASSERT_EQ(KVM_MEMORY_MAPPING_READ, mapping.flags);
	ASSERT_EQ(page_pfn(self->hva), page_pfn(self->hva + PAGE_SIZE));

	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	ASSERT_EQ(2 * TEST_SIZE / PAGE_SIZE,
		  guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_VCPU);
	return test_harness_run(argc, argv);
}
