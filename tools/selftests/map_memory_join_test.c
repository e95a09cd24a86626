// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * KVM_MAP_MEMORY_JOIN: threads of the VMM map for a batch that another one has
 * submitted, in place of helpers.
 */
#include <signal.h>
#include <sys/wait.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/uffd_gate.h"

#define TEST_SIZE	(32 * SZ_1M)
#define NR_WORKERS	4
#define NR_JOINERS	(NR_WORKERS - 1)

struct joiner {
	pthread_t thread;
	int vm_fd;
	const void *batch;
	bool *ended;
	int result;
};

FIXTURE(join) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	struct uffd_gate gate;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct map_thread owner;
	struct joiner joiners[NR_JOINERS];
	/* The owner's call has returned: there is nothing to wait for. */
	bool ended;
};

FIXTURE_VARIANT(join) {
	enum map_entry entry;
};

FIXTURE_VARIANT_ADD(join, ioctl) { .entry = MAP_BY_IOCTL };
FIXTURE_VARIANT_ADD(join, uring) { .entry = MAP_BY_URING };

FIXTURE_SETUP(join)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = TEST_SIZE;
	map_batch_init(&self->batch, &self->mapping, 1, 0);
	self->batch.flags = KVM_MAP_MEMORY_OWN_THREADS;
}

FIXTURE_TEARDOWN(join)
{
	kvm_vm_free(self->vm);
}

static int join(int vm_fd, const void *batch)
{
	return ioctl(vm_fd, KVM_MAP_MEMORY_JOIN, batch) ? -errno : 0;
}

/* The batch may not be running yet. */
static void *joiner_main(void *data)
{
	struct joiner *joiner = data;

	do {
		joiner->result = join(joiner->vm_fd, joiner->batch);
	} while (joiner->result == -ENOENT && !READ_ONCE(*joiner->ended));
	return NULL;
}

/* All of them stand at the gate.  False without userfaultfd. */
static bool start(FIXTURE_DATA(join) *self, enum map_entry entry)
{
	int i;

	if (!uffd_gate_close_off(&self->gate, self->hva, TEST_SIZE))
		return false;

	map_thread_start(&self->owner, self->vm, entry, &self->batch);
	uffd_gate_wait(&self->gate);
	for (i = 0; i < NR_JOINERS; i++) {
		self->joiners[i] = (struct joiner) {
			.vm_fd = self->vm->fd,
			.batch = &self->batch,
			.ended = &self->ended,
		};
		TEST_ASSERT(!pthread_create(&self->joiners[i].thread, NULL, joiner_main,
					    &self->joiners[i]),
			    "Cannot create a thread");
		uffd_gate_wait(&self->gate);
	}
	return true;
}

static void expect_joined(FIXTURE_DATA(join) *self, int result)
{
	int i;

	for (i = 0; i < NR_JOINERS; i++) {
		TEST_ASSERT(!pthread_join(self->joiners[i].thread, NULL), "No thread");
		TEST_ASSERT_EQ(self->joiners[i].result, result);
	}
}

TEST_F(join, threads_share_the_work)
{
	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, count_threads(HELPER_COMM));

	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_thread_join(&self->owner));
	expect_joined(self, 0);
	assert_batch_done(&self->batch, TEST_SIZE, 0);
	ASSERT_EQ(NR_WORKERS, self->batch.workers_used);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

/* nr_workers bounds the threads that may come. */
TEST_F(join, no_room)
{
	self->batch.nr_workers = NR_WORKERS;
	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(-ENOENT, join(self->vm->fd, &self->batch));

	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_thread_join(&self->owner));
	expect_joined(self, 0);
	ASSERT_EQ(NR_WORKERS, self->batch.workers_used);
}

TEST_F(join, no_such_batch)
{
	struct kvm_map_memory_batch other = self->batch;

	/* A VM that has had no batch, then one at another address. */
	ASSERT_EQ(-ENOENT, join(self->vm->fd, &self->batch));
	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(-ENOENT, join(self->vm->fd, &other));
	ASSERT_EQ(-ENOENT, join(self->vm->fd, NULL));

	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_thread_join(&self->owner));
	expect_joined(self, 0);
	ASSERT_EQ(-ENOENT, join(self->vm->fd, &self->batch));
}

/* Helpers are the business of those that did not ask for the flag. */
TEST_F(join, batch_with_helpers)
{
	self->batch.flags = 0;
	self->batch.nr_workers = 1;
	if (!uffd_gate_close_off(&self->gate, self->hva, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");
	map_thread_start(&self->owner, self->vm, variant->entry, &self->batch);
	uffd_gate_wait(&self->gate);
	ASSERT_EQ(-ENOENT, join(self->vm->fd, &self->batch));
	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_thread_join(&self->owner));
}

static void do_nothing(int signal)
{
}

/* A thread that leaves with a part of the work in hand ends the batch. */
TEST_F(join, signal)
{
	struct sigaction action = { .sa_handler = do_nothing };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	if (!start(self, variant->entry))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, pthread_kill(self->joiners[0].thread, SIGUSR1));
	ASSERT_EQ(-EINTR, map_thread_join(&self->owner));
	ASSERT_EQ(0, pthread_join(self->joiners[0].thread, NULL));
	ASSERT_EQ(-EINTR, self->joiners[0].result);
	ASSERT_EQ(0, pthread_join(self->joiners[1].thread, NULL));
	ASSERT_EQ(0, pthread_join(self->joiners[2].thread, NULL));

	uffd_gate_destroy(&self->gate);
	ASSERT_EQ(0, map_batch(self->vm, variant->entry, &self->batch));
	ASSERT_EQ(0, self->mapping.size);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

TEST_F(join, another_process)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(join(self->vm->fd, &self->batch) == -EIO ? 0 : 1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

int main(int argc, char **argv)
{
	map_require_batches();
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_OWN_THREADS);
	return test_harness_run(argc, argv);
}
