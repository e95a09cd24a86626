// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * A job takes its VMM's control group to its memory limit: by the guest's memory or
 * by page tables, where the VMM can be killed for it and where it cannot.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/cgroup.h"
#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(128 * SZ_1M)

FIXTURE(memory_limit) {
	struct cgroup cgroup;
	uint64_t page_tables_kib;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *mem;
	struct io_uring ring;
	int limit_fd;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
};

FIXTURE_VARIANT(memory_limit) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(memory_limit, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(memory_limit, ioctl_4_workers) {
	.entry = MAP_BY_IOCTL, .workers = 4,
};

FIXTURE_VARIANT_ADD(memory_limit, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

FIXTURE_SETUP(memory_limit)
{
	if (!cgroup_create(&self->cgroup, "map-memory-limit", "+memory"))
		SKIP(return, "There are no control groups");
	self->page_tables_kib = vm_page_tables_kib();
}

FIXTURE_TEARDOWN(memory_limit)
{
	if (self->vm)
		kvm_vm_free(self->vm);
	cgroup_enter(NULL, getpid());
	cgroup_destroy(&self->cgroup);
}

static void create_vm(FIXTURE_DATA(memory_limit) *self, uint32_t workers)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->mem = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->mem);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, workers);
}

static bool has_ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

/*
 * The VMM is a process of its own, which is killed; the bystander has done nothing,
 * but is in the same control group.
 */
static pid_t be_killed(FIXTURE_DATA(memory_limit) *self,
		       const FIXTURE_VARIANT(memory_limit) *variant)
{
	pid_t pid, bystander;
	int status;

	bystander = fork();
	TEST_ASSERT(bystander >= 0, "fork failed");
	if (!bystander) {
		pause();
		_exit(99);
	}
	cgroup_enter(&self->cgroup, bystander);

	pid = fork();
	TEST_ASSERT(pid >= 0, "fork failed");
	if (!pid) {
		create_vm(self, variant->workers);
		cgroup_enter(&self->cgroup, getpid());
		map_batch(self->vm, variant->entry, &self->batch);
		_exit(99);
	}
	TEST_ASSERT(wait_until(has_ended(pid, &status)), "The VMM is not killed");
	TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		    "The VMM ended with 0x%x", status);
	TEST_ASSERT(wait_until(count_vms(pid) <= 0), "The VM outlives its process");
	TEST_ASSERT(wait_until(vm_page_tables_kib() <= self->page_tables_kib),
		    "The VM's page tables outlive its process");
	return bystander;
}

TEST_F_TIMEOUT(memory_limit, kills_the_vmm, 60)
{
	pid_t bystander;
	int status;

	cgroup_set(&self->cgroup, "memory.max", "48M");
	bystander = be_killed(self, variant);
	ASSERT_EQ(1, cgroup_get(&self->cgroup, "memory.events", "oom_kill"));
	ASSERT_FALSE(has_ended(bystander, &status));
	ASSERT_EQ(0, kill(bystander, SIGKILL));
	ASSERT_TRUE(wait_until(has_ended(bystander, &status)));
}

TEST_F_TIMEOUT(memory_limit, kills_the_group, 60)
{
	pid_t bystander;
	int status;

	cgroup_set(&self->cgroup, "memory.max", "48M");
	cgroup_set(&self->cgroup, "memory.oom.group", "1");
	bystander = be_killed(self, variant);
	ASSERT_EQ(1, cgroup_get(&self->cgroup, "memory.events", "oom_group_kill"));
	ASSERT_TRUE(wait_until(has_ended(bystander, &status)));
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/*
 * From here on this process may not be killed.  A page fault of its own would be
 * tried again for ever then, so everything that it needs is in memory before.
 */
static void limit_begin(FIXTURE_DATA(memory_limit) *self, const char *limit)
{
	volatile char stack[256 * 1024];
	char path[256];
	size_t i;

	for (i = 0; i < sizeof(stack); i += PAGE_SIZE)
		stack[i] = 1;

	TEST_ASSERT(file_write("/proc/self/oom_score_adj", "-1000"),
		    "Cannot become unkillable");
	snprintf(path, sizeof(path), "%s/memory.max", self->cgroup.path);
	self->limit_fd = open(path, O_WRONLY);
	TEST_ASSERT(self->limit_fd >= 0, "Cannot open %s", path);
	cgroup_enter(&self->cgroup, getpid());
	TEST_ASSERT(write(self->limit_fd, limit, strlen(limit)) > 0,
		    "Cannot set the limit");
}

static void limit_end(FIXTURE_DATA(memory_limit) *self)
{
	TEST_ASSERT(write(self->limit_fd, "max", 3) == 3, "Cannot lift the limit");
	close(self->limit_fd);
}

/*
 * The call stops in the middle, and goes on where it stopped.  Of several workers the
 * one with the first chunk can be the one without memory: no byte is done in order
 * then, whatever the others have mapped.
 */
static void expect_rest(FIXTURE_DATA(memory_limit) *self,
			const FIXTURE_VARIANT(memory_limit) *variant)
{
	uint64_t mapped = vm_get_stat(self->vm, "pages_4k") * PAGE_SIZE;
	uint64_t left = self->mapping.size;

	TEST_ASSERT_EQ(self->batch.bytes_mapped, mapped);
	TEST_ASSERT_EQ(self->batch.bytes_present, 0);
	TEST_ASSERT_EQ(self->mapping.base_address + left, TEST_GPA + TEST_SIZE);
	TEST_ASSERT(left && left <= TEST_SIZE, "0x%lx bytes are left", left);
	TEST_ASSERT(mapped && mapped < TEST_SIZE, "0x%lx bytes are mapped", mapped);
	if (variant->workers == 1)
		TEST_ASSERT_EQ(mapped, TEST_SIZE - left);
	TEST_ASSERT(mapped >= TEST_SIZE - left, "More is done than mapped");

	TEST_ASSERT_EQ(map_batch(self->vm, variant->entry, &self->batch), 0);
	assert_batch_done(&self->batch, TEST_SIZE - mapped,
			  left - (TEST_SIZE - mapped));
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->mem), 0);
}

/* With all that io_uring needs for a command. */
static void open_ring(FIXTURE_DATA(memory_limit) *self)
{
	struct kvm_memory_mapping nothing = {};
	struct kvm_map_memory_batch batch;

	map_ring_open(&self->ring, 4, 0);
	map_batch_init(&batch, &nothing, 1, 1);
	map_ring_prep(&self->ring, self->vm->fd, &batch, 0);
	map_ring_submit(&self->ring, 1);
	TEST_ASSERT_EQ(map_ring_wait(&self->ring, NULL), -EINVAL);
}

static int call_with_limit(FIXTURE_DATA(memory_limit) *self, enum map_entry entry,
			   const char *limit)
{
	int ret;

	if (entry == MAP_BY_URING)
		open_ring(self);
	limit_begin(self, limit);
	if (entry == MAP_BY_IOCTL) {
		ret = map_batch(self->vm, MAP_BY_IOCTL, &self->batch);
	} else {
		map_ring_prep(&self->ring, self->vm->fd, &self->batch, 0);
		map_ring_submit(&self->ring, 1);
		ret = map_ring_wait(&self->ring, NULL);
	}
	limit_end(self);
	if (entry == MAP_BY_URING)
		io_uring_queue_exit(&self->ring);
	return ret;
}

/* It depends on what comes first, a page of the guest or one for its page tables. */
TEST_F_TIMEOUT(memory_limit, stops_at_guest_memory, 60)
{
	int ret;

	/* Not what the guest's memory will be. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	create_vm(self, variant->workers);
	ret = call_with_limit(self, variant->entry, "16M");
	ASSERT_TRUE(ret == -ENOMEM || ret == -EFAULT);
	expect_rest(self, variant);
}

/*
 * Helpers, their stacks and their caches come first.  How much of the limit they take
 * depends on the kernel, so it is raised until something is left for page tables.
 */
TEST_F_TIMEOUT(memory_limit, stops_at_page_tables, 60)
{
	unsigned int kib = 160;
	char limit[16];

	create_vm(self, variant->workers);
	memset(self->mem, 1, TEST_SIZE);
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
	do {
		ASSERT_EQ(TEST_SIZE, self->mapping.size);
		kib += 32;
		snprintf(limit, sizeof(limit), "%uK", kib);
		ASSERT_EQ(-ENOMEM, call_with_limit(self, variant->entry, limit));
	} while (!self->batch.bytes_mapped);
	expect_rest(self, variant);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
