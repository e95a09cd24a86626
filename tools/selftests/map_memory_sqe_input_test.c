// SPDX-License-Identifier: GPL-2.0
// quick: svm 7.3
/*
 * Fields of the SQE that the io_uring command has no use for have to be 0;
 * nothing is done otherwise.
 */
#include <sys/uio.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

FIXTURE(sqe) {
	struct kvm_vm *vm;
	struct io_uring ring;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct io_uring_sqe *sqe;
	struct kvm_map_memory_cmd *cmd;
};

FIXTURE_SETUP(sqe)
{
	self->vm = test_vm_create(0, NULL);
	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, SZ_1M, VM_MEM_SRC_ANONYMOUS);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = SZ_1M;
	map_batch_init(&self->batch, &self->mapping, 1, 1);
	map_ring_open(&self->ring, 4, 0);
	self->sqe = map_ring_prep(&self->ring, self->vm->fd, &self->batch, 0);
	self->cmd = (void *)self->sqe->cmd;
}

FIXTURE_TEARDOWN(sqe)
{
	io_uring_queue_exit(&self->ring);
	kvm_vm_free(self->vm);
}

static void expect_result(FIXTURE_DATA(sqe) *self, int wanted)
{
	struct kvm_map_memory_batch before = self->batch;

	map_ring_submit(&self->ring, 1);
	TEST_ASSERT_EQ(map_ring_wait(&self->ring, NULL), wanted);
	if (!wanted)
		return;
	TEST_ASSERT(!memcmp(&before, &self->batch, sizeof(before)) &&
		    self->mapping.size == SZ_1M,
		    "The structures of a refused command were written to");
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), 0);
}

TEST_F(sqe, accepted_as_it_is)
{
	expect_result(self, 0);
}

TEST_F(sqe, addr)
{
	self->sqe->addr = 1;
	expect_result(self, -EINVAL);
}

TEST_F(sqe, len)
{
	self->sqe->len = sizeof(self->batch);
	expect_result(self, -EINVAL);
}

TEST_F(sqe, buf_index)
{
	self->sqe->buf_index = 1;
	expect_result(self, -EINVAL);
}

TEST_F(sqe, padding_of_cmd_op)
{
	self->sqe->off |= 1ULL << 32;
	expect_result(self, -EINVAL);
}

TEST_F(sqe, unknown_command_flags)
{
	self->sqe->rw_flags = 1U << 31;
	expect_result(self, -EINVAL);
}

/* Known to io_uring, but the command takes no registered buffer. */
TEST_F(sqe, registered_buffer)
{
	struct iovec buffer = {
		.iov_base = test_mem_alloc(PAGE_SIZE),
		.iov_len = PAGE_SIZE,
	};

	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, &buffer, 1));
	self->sqe->rw_flags = 1;	/* IORING_URING_CMD_FIXED */
	expect_result(self, -EINVAL);
}

/*
 * Where it is io_uring that looks for the buffer, that comes first.  Linux 7.3 leaves it
 * to commands, and this one has no use for a buffer.
 */
TEST_F(sqe, registered_buffer_that_is_not_there)
{
	self->sqe->rw_flags = 1;	/* IORING_URING_CMD_FIXED */
	expect_result(self, kernel_version() < KERNEL_VERSION(7, 3, 0) ? -EFAULT : -EINVAL);
}

TEST_F(sqe, reserved_word_of_the_command)
{
	self->cmd->reserved = 1ULL << 63;
	expect_result(self, -EINVAL);
}

TEST_F(sqe, unknown_command)
{
	self->sqe->cmd_op = KVM_MAP_MEMORY_BATCH + 1;
	expect_result(self, -EOPNOTSUPP);
}

/* Ioctls are no io_uring commands, those of a vCPU included. */
TEST_F(sqe, other_ioctls)
{
	self->sqe->cmd_op = KVM_MAP_MEMORY;
	expect_result(self, -EOPNOTSUPP);
}

TEST_F(sqe, other_files)
{
	struct kvm_vcpu *vcpu = test_vm_add_vcpu(self->vm, 0);

	self->sqe->fd = vcpu->fd;
	expect_result(self, -EOPNOTSUPP);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
