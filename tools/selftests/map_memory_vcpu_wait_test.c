// SPDX-License-Identifier: GPL-2.0
// quick: svm
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * KVM_MAP_MEMORY on a vCPU that another thread runs: it waits for the vCPU, and
 * nothing but the death of the process ends that.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/reg.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	SZ_1M

/* Shared with a VMM that is a process of its own. */
struct vmm {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_memory_mapping mapping;
	pthread_t runner, mapper;
	pid_t mapper_tid;
	int result;
	bool runs;
};

FIXTURE(vcpu_wait) {
	struct vmm *vmm;
};

static void *run_guest(void *data)
{
	struct vmm *vmm = data;
	struct guest_pass pass = {
		.gpa = TEST_GPA + TEST_SIZE,
		.nr_pages = 1,
		.ops = PASS_READ | PASS_FOREVER,
	};

	guest_pass_run(vmm->vcpu, &pass);
	return NULL;
}

static void *map_memory(void *data)
{
	struct vmm *vmm = data;

	WRITE_ONCE(vmm->mapper_tid, gettid());
	vmm->result = ioctl(vmm->vcpu->fd, KVM_MAP_MEMORY, &vmm->mapping) ? -errno : 0;
	return NULL;
}

/* Whether thread @tid sleeps in KVM_MAP_MEMORY. */
static bool sleeps_in_call(pid_t tid)
{
	unsigned long number = 0, fd, command = 0;
	char path[64], line[128] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fgets(line, sizeof(line), file))
		sscanf(line, "%lu %lx %lx", &number, &fd, &command);
	fclose(file);
	return number == __NR_ioctl && command == KVM_MAP_MEMORY;
}

/* The guest runs, and the call waits for the vCPU. */
static void vmm_start(struct vmm *vmm)
{
	vmm->vm = test_vm_create(1, &vmm->vcpu);
	test_slot_add(vmm->vm, TEST_SLOT, TEST_GPA, 2 * TEST_SIZE,
		      VM_MEM_SRC_ANONYMOUS);
	vmm->mapping.base_address = TEST_GPA;
	vmm->mapping.size = TEST_SIZE;
	TEST_ASSERT(!pthread_create(&vmm->runner, NULL, run_guest, vmm),
		    "Cannot create a thread");
	TEST_ASSERT(wait_until(guest_pass_progress(vmm->vcpu)),
		    "The guest does not run");
	TEST_ASSERT(!pthread_create(&vmm->mapper, NULL, map_memory, vmm),
		    "Cannot create a thread");
	TEST_ASSERT(wait_until(READ_ONCE(vmm->mapper_tid) &&
			       sleeps_in_call(vmm->mapper_tid)),
		    "The call does not wait");
	TEST_ASSERT_EQ(vmm->mapping.size, TEST_SIZE);
	WRITE_ONCE(vmm->runs, true);
}

static void vmm_stop(struct vmm *vmm)
{
	guest_pass_stop(vmm->vcpu);
	pthread_join(vmm->runner, NULL);
	pthread_join(vmm->mapper, NULL);
}

FIXTURE_SETUP(vcpu_wait)
{
	self->vmm = mmap(NULL, sizeof(*self->vmm), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->vmm);
}

FIXTURE_TEARDOWN(vcpu_wait)
{
}

TEST_F(vcpu_wait, until_the_guest_exits)
{
	struct vmm *vmm = self->vmm;

	vmm_start(vmm);
	vmm_stop(vmm);
	ASSERT_EQ(0, vmm->result);
	ASSERT_EQ(0, vmm->mapping.size);
	ASSERT_EQ(0, guest_read(vmm->vcpu, TEST_GPA, TEST_SIZE));
	kvm_vm_free(vmm->vm);
}

static void on_signal(int signal)
{
}

/* The call goes on to wait, and then finds the signal before it has begun. */
TEST_F(vcpu_wait, signal)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct kvm_map_memory_batch batch;
	struct vmm *vmm = self->vmm;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	vmm_start(vmm);
	ASSERT_EQ(0, pthread_kill(vmm->mapper, SIGUSR1));
	ASSERT_EQ(EBUSY, pthread_tryjoin_np(vmm->mapper, NULL));
	ASSERT_TRUE(sleeps_in_call(vmm->mapper_tid));
	vmm_stop(vmm);
	ASSERT_EQ(-EINTR, vmm->result);
	ASSERT_EQ(TEST_GPA, vmm->mapping.base_address);
	ASSERT_EQ(TEST_SIZE, vmm->mapping.size);
	ASSERT_EQ(0, map_range(vmm->vm, MAP_BY_IOCTL, TEST_GPA, TEST_SIZE, 0, 1,
			       &batch));
	assert_batch_done(&batch, TEST_SIZE, 0);
	kvm_vm_free(vmm->vm);
}

static bool has_changed(pid_t pid, int *status)
{
	return waitpid(pid, status, __WALL | WNOHANG) == pid;
}

/* Nobody returns to see the errno, but a tracer sees what the thread dies with. */
TEST_F(vcpu_wait, killed)
{
	struct vmm *vmm = self->vmm;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		vmm_start(vmm);
		pause();
		_exit(99);
	}
	ASSERT_TRUE(wait_until(READ_ONCE(vmm->runs)));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, vmm->mapper_tid, 0, PTRACE_O_TRACEEXIT));
	ASSERT_TRUE(sleeps_in_call(vmm->mapper_tid));

	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_TRUE(wait_until(has_changed(vmm->mapper_tid, &status)));
	ASSERT_EQ(SIGTRAP | PTRACE_EVENT_EXIT << 8, status >> 8);
	ASSERT_EQ(__NR_ioctl, ptrace(PTRACE_PEEKUSER, vmm->mapper_tid, 8 * ORIG_RAX, 0));
	ASSERT_EQ(-EINTR, ptrace(PTRACE_PEEKUSER, vmm->mapper_tid, 8 * RAX, 0));
	ASSERT_EQ(TEST_GPA, vmm->mapping.base_address);
	ASSERT_EQ(TEST_SIZE, vmm->mapping.size);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, vmm->mapper_tid, 0, 0));

	/* Its tracer has to reap the thread before there is an end to the process. */
	ASSERT_TRUE(wait_until(has_changed(vmm->mapper_tid, &status)));
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_TRUE(wait_until(has_changed(pid, &status)));
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_TRUE(wait_until(count_vms(pid) <= 0));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_VCPU);
	return test_harness_run(argc, argv);
}
