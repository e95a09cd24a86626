// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * A VM's file and a ring in the hands of two processes.  The VM is that of the
 * one that made it; the other can neither use it nor disturb it, and may keep it
 * longer than the VMM lives, without its jobs.
 */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"
#include "lib/vmm_process.h"

FIXTURE(passed) {
	struct vmm_process vmm;
	struct blocked_job job;
	struct io_uring ring;
	int sockets[2];
	pid_t other;
};

FIXTURE_VARIANT(passed) {
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(passed, 1_worker) { .workers = 1 };
FIXTURE_VARIANT_ADD(passed, 4_workers) { .workers = 4 };

FIXTURE_SETUP(passed)
{
	vmm_process_init(&self->vmm);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, self->sockets));
}

FIXTURE_TEARDOWN(passed)
{
	vmm_process_destroy(&self->vmm);
	close(self->sockets[0]);
	close(self->sockets[1]);
}

/* Room for one descriptor beside one byte. */
union fd_control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int socket, int fd)
{
	union fd_control control = {};
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	TEST_ASSERT(sendmsg(socket, &msg, 0) == 1, "Cannot send the descriptor");
}

static int receive_fd(int socket)
{
	struct pollfd pollfd = { .fd = socket, .events = POLLIN };
	union fd_control control = {};
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	TEST_ASSERT(poll(&pollfd, 1, DEADLINE_MS) == 1 &&
		    recvmsg(socket, &msg, 0) == 1, "Nothing was sent");
	TEST_ASSERT(control.header.cmsg_type == SCM_RIGHTS, "No descriptor was sent");
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

/* A process can do nothing with a VM that is not its own. */
static void assert_of_no_use(int vm_fd)
{
	struct kvm_memory_mapping mapping = { .base_address = TEST_GPA, .size = SZ_1M };
	struct kvm_map_memory_batch batch;

	map_batch_init(&batch, &mapping, 1, 4);
	TEST_ASSERT_EQ(map_batch_at(vm_fd, MAP_BY_IOCTL, (uint64_t)&batch), -EIO);
	TEST_ASSERT_EQ(map_batch_at(vm_fd, MAP_BY_URING, (uint64_t)&batch), -EIO);
	TEST_ASSERT_EQ(mapping.size, SZ_1M);
	TEST_ASSERT_EQ(batch.workers_used, 0);
}

static void assert_ended_well(pid_t pid)
{
	int status;

	TEST_ASSERT(wait_until(waitpid(pid, &status, WNOHANG) == pid),
		    "The other process does not end");
	TEST_ASSERT(WIFEXITED(status) && !WEXITSTATUS(status),
		    "The other process ended with status 0x%x", status);
}

/* The other process is older than the VM and has only what it is sent. */
TEST_F_TIMEOUT(passed, vm_to_another_process, 60)
{
	self->other = fork();
	ASSERT_LE(0, self->other);
	if (!self->other) {
		int vm_fd = receive_fd(self->sockets[1]);

		assert_of_no_use(vm_fd);
		close(vm_fd);
		_exit(0);
	}
	if (!blocked_job_create(&self->job, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	map_ring_open(&self->ring, 4, 0);
	blocked_job_submit(&self->job, &self->ring);
	send_fd(self->sockets[0], self->job.vm->fd);
	assert_ended_well(self->other);
	blocked_job_let_go(&self->job, &self->ring);
}

/* The VMM is a process that the test survives, with the VM in its hands. */
static void run_vmm_that_passes_its_vm(FIXTURE_DATA(passed) *self,
				       enum map_entry entry, uint32_t workers)
{
	struct map_thread thread;

	if (!blocked_job_create(&self->job, workers)) {
		vmm_say(&self->vmm, 'n');
		_exit(0);
	}
	map_thread_start(&thread, self->job.vm, entry, &self->job.batch);
	blocked_job_wait(&self->job);
	send_fd(self->sockets[1], self->job.vm->fd);
	vmm_say(&self->vmm, 'b');
	pause();
}

static void check_vm_outlives_vmm(FIXTURE_DATA(passed) *self)
{
	int vm_fd, status;

	vm_fd = receive_fd(self->sockets[0]);
	TEST_ASSERT(!kill(self->vmm.pid, SIGKILL), "Cannot kill the VMM");
	status = vmm_wait(&self->vmm);
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		    "The VMM ended with status 0x%x", status);

	if (count_vms(self->vmm.pid) >= 0)
		TEST_ASSERT_EQ(count_vms(self->vmm.pid), 1);
	assert_of_no_use(vm_fd);
	close(vm_fd);
	vmm_wait_gone(&self->vmm);
}

TEST_F_TIMEOUT(passed, vm_outlives_its_vmm_and_the_ioctl, 60)
{
	self->vmm.pid = fork();
	ASSERT_LE(0, self->vmm.pid);
	if (!self->vmm.pid)
		run_vmm_that_passes_its_vm(self, MAP_BY_IOCTL, variant->workers);
	if (vmm_hear(&self->vmm) != 'b')
		SKIP(return, "userfaultfd is not permitted");
	check_vm_outlives_vmm(self);
}

TEST_F_TIMEOUT(passed, vm_outlives_its_vmm_and_the_command, 60)
{
	self->vmm.pid = fork();
	ASSERT_LE(0, self->vmm.pid);
	if (!self->vmm.pid)
		run_vmm_that_passes_its_vm(self, MAP_BY_URING, variant->workers);
	if (vmm_hear(&self->vmm) != 'b')
		SKIP(return, "userfaultfd is not permitted");
	check_vm_outlives_vmm(self);
}

/* Holds what it has got by fork() until it is sent anything, or killed. */
static void fork_holder(FIXTURE_DATA(passed) *self)
{
	self->other = fork();
	TEST_ASSERT(self->other >= 0, "fork failed");
	if (self->other)
		return;
	/* The gate opens when the VMM closes it. */
	close(self->job.gate.fd);
	close(receive_fd(self->sockets[1]));
	_exit(0);
}

/* Forked before the job: a fork write-protects what is mapped. */
static bool submit_with_holder(FIXTURE_DATA(passed) *self, uint32_t workers)
{
	if (!blocked_job_create(&self->job, workers))
		return false;
	map_ring_open(&self->ring, 4, 0);
	fork_holder(self);
	blocked_job_submit(&self->job, &self->ring);
	return true;
}

static void end_holder(FIXTURE_DATA(passed) *self)
{
	send_fd(self->sockets[0], 0);
	assert_ended_well(self->other);
}

/* The VMM closes its ring, but it is not the last to do so. */
TEST_F_TIMEOUT(passed, ring_closed_here_and_held_there, 60)
{
	if (!submit_with_holder(self, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	io_uring_queue_exit(&self->ring);
	uffd_gate_destroy(&self->job.gate);
	ASSERT_TRUE(wait_until(!READ_ONCE(self->job.mappings[2].size)));
	assert_batch_done(&self->job.batch, BLOCKED_SIZE, 0);
	end_holder(self);
	kvm_vm_free(self->job.vm);
	ASSERT_TRUE(wait_until(count_vms(getpid()) <= 0));
}

TEST_F_TIMEOUT(passed, ring_closed_here_then_there, 60)
{
	if (!submit_with_holder(self, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	io_uring_queue_exit(&self->ring);
	end_holder(self);
	blocked_job_wait_left(&self->job);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

TEST_F_TIMEOUT(passed, ring_closed_there, 60)
{
	if (!submit_with_holder(self, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	end_holder(self);
	blocked_job_let_go(&self->job, &self->ring);
}

/* The VMM's ring, its VM and its memory, but not its process. */
static void submit_by_another(FIXTURE_DATA(passed) *self, unsigned int flags, int wanted)
{
	struct kvm_memory_mapping *mapping;
	struct kvm_map_memory_batch *batch;
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	vm = test_vm_create(1, &vcpu);
	test_slot_add(vm, TEST_SLOT, TEST_GPA, (4 * SZ_1M), VM_MEM_SRC_ANONYMOUS);
	/* Shared, as the ring is: at one address in both processes. */
	batch = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(batch != MAP_FAILED, "No shared memory");
	mapping = (void *)(batch + 1);
	mapping->base_address = TEST_GPA;
	mapping->size = (4 * SZ_1M);
	map_batch_init(batch, mapping, 1, 2);
	map_ring_open(&self->ring, 4, flags);

	self->other = fork();
	TEST_ASSERT(self->other >= 0, "fork failed");
	if (!self->other) {
		map_ring_prep(&self->ring, vm->fd, batch, 1);
		map_ring_submit(&self->ring, 1);
		expect_cqe(&self->ring, 1, wanted);
		_exit(0);
	}
	assert_ended_well(self->other);
	if (wanted)
		TEST_ASSERT_EQ(mapping->size, (4 * SZ_1M));
	else
		assert_batch_done(batch, (4 * SZ_1M), 0);
	io_uring_queue_exit(&self->ring);
	munmap(batch, PAGE_SIZE);
	kvm_vm_free(vm);
}

TEST_F_TIMEOUT(passed, ring_used_by_another, 60)
{
	submit_by_another(self, 0, -EIO);
}

/* The VMM's SQPOLL thread submits, no matter which process fills the queue. */
TEST_F_TIMEOUT(passed, ring_with_sqpoll_used_by_another, 60)
{
	submit_by_another(self, IORING_SETUP_SQPOLL, 0);
}

/* The VMM submits and is killed; the CQE comes to who has the ring as well. */
TEST_F_TIMEOUT(passed, ring_outlives_its_vmm, 60)
{
	int status;

	self->vmm.pid = fork();
	ASSERT_LE(0, self->vmm.pid);
	if (!self->vmm.pid) {
		if (!blocked_job_create(&self->job, variant->workers)) {
			vmm_say(&self->vmm, 'n');
			_exit(0);
		}
		map_ring_open(&self->ring, 4, 0);
		self->other = fork();
		TEST_ASSERT(self->other >= 0, "fork failed");
		if (!self->other) {
			/* Of the VM it keeps nothing. */
			kvm_vm_release(self->job.vm);
			close(self->job.gate.fd);
			vmm_say(&self->vmm, 'h');
			expect_cqe(&self->ring, 1, -EINTR);
			map_ring_assert_empty(&self->ring);
			vmm_say(&self->vmm, 'c');
			close(receive_fd(self->sockets[1]));
			_exit(0);
		}
		map_ring_prep(&self->ring, self->job.vm->fd, &self->job.batch, 1);
		map_ring_submit(&self->ring, 1);
		blocked_job_wait(&self->job);
		vmm_say(&self->vmm, 'b');
		pause();
	}
	status = vmm_hear(&self->vmm);
	if (status == 'n')
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ('h' + 'b', status + vmm_hear(&self->vmm));
	ASSERT_EQ(0, kill(self->vmm.pid, SIGKILL));
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_EQ('c', vmm_hear(&self->vmm));
	send_fd(self->sockets[0], 0);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
