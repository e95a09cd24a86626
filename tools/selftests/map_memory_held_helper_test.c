// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * A helper thread that a debugger, the freezer or a stop signal holds is nobody's
 * trouble: no call of a running thread waits for it, nor does the end of the VM, and
 * it goes as soon as it is let go.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/cgroup.h"
#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"
#include "lib/vmm_process.h"

#define TEST_SIZE	(32 * SZ_1M)
#define NR_WORKERS	4
#define NR_HELPERS	(NR_WORKERS - 1)

/* What the VMM does when it hears a word; it says 'd' when that is done. */
#define VMM_RUN_JOB	'j'
#define VMM_CLOSE	'c'

FIXTURE(held) {
	struct vmm_process vmm;
	/* The words of the test to the VMM. */
	int orders[2];
	pid_t helpers[NR_HELPERS];
};

FIXTURE_VARIANT(held) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(held, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(held, uring) { .entry = MAP_BY_URING };

struct vmm {
	struct kvm_vm *vm;
	void *hva;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
};

static void vmm_create(struct vmm *vmm)
{
	vmm->vm = test_vm_create(0, NULL);
	vmm->hva = test_slot_add(vmm->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				 VM_MEM_SRC_ANONYMOUS);
}

static void vmm_prepare(struct vmm *vmm, uint64_t flags)
{
	TEST_ASSERT(!madvise(vmm->hva, TEST_SIZE, MADV_DONTNEED), "madvise failed");
	vmm->mapping.base_address = TEST_GPA;
	vmm->mapping.size = TEST_SIZE;
	map_batch_init(&vmm->batch, &vmm->mapping, 1, NR_WORKERS);
	vmm->batch.flags = flags;
}

/* A job of all workers, after which its helpers are idle. */
static void vmm_warm_up(struct vmm *vmm, enum map_entry entry)
{
	struct map_thread thread;
	struct uffd_gate gate;
	int i;

	vmm_prepare(vmm, KVM_MAP_MEMORY_KEEP_HELPERS);
	if (!uffd_gate_close_off(&gate, vmm->hva, TEST_SIZE))
		_exit(4);
	map_thread_start(&thread, vmm->vm, entry, &vmm->batch);
	for (i = 0; i < NR_WORKERS; i++)
		uffd_gate_wait(&gate);
	uffd_gate_destroy(&gate);
	TEST_ASSERT_EQ(map_thread_join(&thread), 0);
}

static void vmm_main(FIXTURE_DATA(held) *self, enum map_entry entry)
{
	struct vmm vmm = {};
	char order;

	vmm_create(&vmm);
	vmm_warm_up(&vmm, entry);
	vmm_say(&self->vmm, 'i');

	while (read(self->orders[0], &order, 1) == 1) {
		if (order == VMM_CLOSE) {
			kvm_vm_free(vmm.vm);
		} else {
			vmm_prepare(&vmm, 0);
			TEST_ASSERT_EQ(map_batch(vmm.vm, entry, &vmm.batch), 0);
			assert_batch_done(&vmm.batch, TEST_SIZE, 0);
		}
		vmm_say(&self->vmm, 'd');
	}
	_exit(0);
}

FIXTURE_SETUP(held)
{
	vmm_process_init(&self->vmm);
	TEST_ASSERT(!pipe(self->orders), "Cannot make a pipe");
}

FIXTURE_TEARDOWN(held)
{
	if (self->vmm.pid > 0) {
		kill(self->vmm.pid, SIGKILL);
		vmm_reap(&self->vmm);
	}
	vmm_process_destroy(&self->vmm);
	close(self->orders[0]);
	close(self->orders[1]);
}

/* A VMM with idle helpers. */
static void start_vmm(FIXTURE_DATA(held) *self, enum map_entry entry)
{
	self->vmm.pid = fork();
	TEST_ASSERT(self->vmm.pid >= 0, "fork failed");
	if (!self->vmm.pid)
		vmm_main(self, entry);
	TEST_ASSERT_EQ(vmm_hear(&self->vmm), 'i');
}

static void give_order(FIXTURE_DATA(held) *self, char order)
{
	TEST_ASSERT_EQ(write(self->orders[1], &order, 1), 1);
	TEST_ASSERT_EQ(vmm_hear(&self->vmm), 'd');
}

static int helpers_left(FIXTURE_DATA(held) *self)
{
	return count_threads_of(self->vmm.pid, HELPER_COMM);
}

/* False if it has gone already: idle helpers stay for a second. */
static bool trace_one(FIXTURE_DATA(held) *self, pid_t *tid)
{
	int i, status, nr;

	nr = find_threads_of(self->vmm.pid, HELPER_COMM, self->helpers, NR_HELPERS);
	for (i = 0; i < nr; i++) {
		*tid = self->helpers[i];
		if (ptrace(PTRACE_SEIZE, *tid, 0, 0))
			continue;
		if (!ptrace(PTRACE_INTERRUPT, *tid, 0, 0) &&
		    waitpid(*tid, &status, __WALL) == *tid && WIFSTOPPED(status))
			return true;
	}
	return false;
}

static void trace_one_helper(FIXTURE_DATA(held) *self, enum map_entry entry, pid_t *tid)
{
	while (!trace_one(self, tid)) {
		kill(self->vmm.pid, SIGKILL);
		vmm_reap(&self->vmm);
		start_vmm(self, entry);
	}
}

TEST_F(held, traced_helper_delays_no_job)
{
	pid_t tid;

	start_vmm(self, variant->entry);
	trace_one_helper(self, variant->entry, &tid);

	give_order(self, VMM_RUN_JOB);
	give_order(self, VMM_RUN_JOB);
	/* The others have ended, with a job or with their time. */
	ASSERT_TRUE(wait_until(helpers_left(self) == 1));

	ASSERT_EQ(0, ptrace(PTRACE_DETACH, tid, 0, 0));
	ASSERT_TRUE(wait_until(helpers_left(self) == 0));
	give_order(self, VMM_RUN_JOB);
	ASSERT_EQ(0, helpers_left(self));
}

TEST_F(held, traced_helper_outlives_its_vm)
{
	pid_t tid;

	start_vmm(self, variant->entry);
	trace_one_helper(self, variant->entry, &tid);

	give_order(self, VMM_CLOSE);
	ASSERT_TRUE(wait_until(count_vms(self->vmm.pid) <= 0));
	ASSERT_TRUE(wait_until(vm_page_tables_kib() <= self->vmm.page_tables_kib));
	ASSERT_TRUE(wait_until(helpers_left(self) == 1));

	ASSERT_EQ(0, ptrace(PTRACE_DETACH, tid, 0, 0));
	ASSERT_TRUE(wait_until(helpers_left(self) == 0));
}

/* The state of the main thread in /proc: 'T' is stopped. */
static char process_state(pid_t pid)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(file);
	}
	return state;
}

/* Long enough for idle helpers to want to end, and for a work item to look. */
static void wait_beyond_idle_time(void)
{
	usleep(2000000);
}

TEST_F(held, stopped_vmm_goes_on)
{
	start_vmm(self, variant->entry);
	ASSERT_EQ(0, kill(self->vmm.pid, SIGSTOP));
	ASSERT_TRUE(wait_until(process_state(self->vmm.pid) == 'T'));
	wait_beyond_idle_time();
	ASSERT_EQ('T', process_state(self->vmm.pid));

	ASSERT_EQ(0, kill(self->vmm.pid, SIGCONT));
	ASSERT_TRUE(wait_until(helpers_left(self) == 0));
	give_order(self, VMM_RUN_JOB);
	ASSERT_EQ(0, helpers_left(self));
}

TEST_F(held, stopped_vmm_can_be_killed)
{
	int status;

	start_vmm(self, variant->entry);
	ASSERT_EQ(0, kill(self->vmm.pid, SIGSTOP));
	ASSERT_TRUE(wait_until(process_state(self->vmm.pid) == 'T'));
	wait_beyond_idle_time();
	ASSERT_EQ(0, kill(self->vmm.pid, SIGKILL));
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	self->vmm.pid = 0;
}

/* How many helpers went into @group: those that are gone cannot. */
static int move_helpers(FIXTURE_DATA(held) *self, const struct cgroup *group)
{
	char path[160], text[16];
	int i, nr, moved = 0;

	snprintf(path, sizeof(path), "%s/cgroup.threads", group->path);
	nr = find_threads_of(self->vmm.pid, HELPER_COMM, self->helpers, NR_HELPERS);
	for (i = 0; i < nr; i++) {
		snprintf(text, sizeof(text), "%d", self->helpers[i]);
		moved += file_write(path, text);
	}
	return moved;
}

/* Idle helpers that are in a group that is frozen. */
static void freeze_helpers(FIXTURE_DATA(held) *self, enum map_entry entry,
			   const struct cgroup *parent, const struct cgroup *group)
{
	for (;;) {
		start_vmm(self, entry);
		cgroup_enter(parent, self->vmm.pid);
		if (move_helpers(self, group)) {
			cgroup_set(group, "cgroup.freeze", "1");
			if (wait_until(cgroup_get(group, "cgroup.events", "frozen") ||
				       !helpers_left(self)) && helpers_left(self))
				return;
			cgroup_set(group, "cgroup.freeze", "0");
		}
		kill(self->vmm.pid, SIGKILL);
		vmm_reap(&self->vmm);
	}
}

TEST_F(held, frozen_helpers_delay_no_job)
{
	struct cgroup parent, group;

	if (!cgroup_create(&parent, "map-memory-held", ""))
		SKIP(return, "There are no control groups");
	ASSERT_TRUE(cgroup_create(&group, "map-memory-held/helpers", ""));
	cgroup_set(&group, "cgroup.type", "threaded");
	freeze_helpers(self, variant->entry, &parent, &group);

	give_order(self, VMM_RUN_JOB);
	give_order(self, VMM_RUN_JOB);
	cgroup_set(&group, "cgroup.freeze", "0");
	ASSERT_TRUE(wait_until(helpers_left(self) == 0));

	cgroup_enter(NULL, self->vmm.pid);
	cgroup_destroy(&group);
	cgroup_destroy(&parent);
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS);
	return test_harness_run(argc, argv);
}
