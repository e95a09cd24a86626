// SPDX-License-Identifier: GPL-2.0
// quick: svm
// testvm: --memory 4G
// test-timeout: 300
/*
 * Many VMMs that are stopped while they have idle helpers: nothing on the host waits
 * for their threads, other VMs get helpers as before, and all goes on, or ends, when
 * they are let go.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/vmm_process.h"

#define MAX_VMMS	1000
#define QUICK_VMMS	100
#define VMM_SIZE	(4 * SZ_1M)
#define TEST_SIZE	(16 * SZ_1M)
#define HUNG_TASK	"/proc/sys/kernel/hung_task_"
#define HUNG_SECONDS	10

static struct vmm_process vmms[MAX_VMMS];

static int nr_vmms(void)
{
	return quick_tier() ? QUICK_VMMS : MAX_VMMS;
}

/* Of as little as possible, for there are many. */
static int create_vm(void)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = TEST_GPA,
		.memory_size = VMM_SIZE,
	};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	region.userspace_addr = (uint64_t)mmap(NULL, VMM_SIZE, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		_exit(1);
	return vm;
}

static void vmm_main(struct vmm_process *vmm)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = VMM_SIZE,
		/* The zero page is enough. */
		.flags = KVM_MEMORY_MAPPING_READ,
	};
	struct kvm_map_memory_batch batch;
	int vm = create_vm();

	map_batch_init(&batch, &mapping, 1, 2);
	batch.flags = KVM_MAP_MEMORY_KEEP_HELPERS;
	if (map_batch_at(vm, MAP_BY_IOCTL, (uint64_t)&batch))
		_exit(2);
	vmm_say(vmm, 'i');
	pause();
	_exit(0);
}

static void start_stopped(struct vmm_process *vmm)
{
	vmm_process_init(vmm);
	vmm->pid = fork();
	TEST_ASSERT(vmm->pid >= 0, "fork failed");
	if (!vmm->pid)
		vmm_main(vmm);
	TEST_ASSERT_EQ(vmm_hear(vmm), 'i');
	TEST_ASSERT(!kill(vmm->pid, SIGSTOP), "kill failed");
}

/* Every task that waits uninterruptibly for that long is reported, as a failure. */
static bool watch_hung_tasks(char *seconds, size_t size)
{
	uint64_t old;

	if (!file_read_number(HUNG_TASK "timeout_secs", &old))
		return false;
	snprintf(seconds, size, "%lu", old);
	return file_write(HUNG_TASK "warnings", "100") &&
	       file_write(HUNG_TASK "timeout_secs", "10");
}

static void run_job(struct kvm_vm *vm, void *hva)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT(!madvise(hva, TEST_SIZE, MADV_DONTNEED), "madvise failed");
	TEST_ASSERT_EQ(map_range(vm, MAP_BY_IOCTL, TEST_GPA, TEST_SIZE, 0, 4, &batch), 0);
	assert_batch_done(&batch, TEST_SIZE, 0);
	TEST_ASSERT_EQ(count_threads(HELPER_COMM), 0);
}

TEST(hold_up_nothing)
{
	int i, nr = nr_vmms(), status;
	uint64_t page_tables_kib = vm_page_tables_kib();
	/* Two for each VMM, and those of the test. */
	struct rlimit files = { .rlim_cur = 4096, .rlim_max = 4096 };
	char old_seconds[24];
	struct kvm_vm *vm;
	void *hva;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < nr; i++)
		start_stopped(&vmms[i]);

	/* Twice the time: the kernel looks once in that time. */
	if (watch_hung_tasks(old_seconds, sizeof(old_seconds))) {
		sleep(quick_tier() ? 3 : 2 * HUNG_SECONDS + 2);
		file_write(HUNG_TASK "timeout_secs", old_seconds);
	}

	vm = test_vm_create(0, NULL);
	hva = test_slot_add(vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	run_job(vm, hva);
	run_job(vm, hva);
	kvm_vm_free(vm);

	/* Half of them go on, and have no helpers soon; the others end as they are. */
	for (i = 0; i < nr; i += 2)
		ASSERT_EQ(0, kill(vmms[i].pid, SIGCONT));
	for (i = 0; i < nr; i += 2)
		ASSERT_TRUE(wait_until(!count_threads_of(vmms[i].pid, HELPER_COMM)));
	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, kill(vmms[i].pid, SIGKILL));
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(vmms[i].pid, waitpid(vmms[i].pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		vmm_process_destroy(&vmms[i]);
	}
	ASSERT_TRUE(wait_until(vm_page_tables_kib() <= page_tables_kib));
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS);
	return test_harness_run(argc, argv);
}
