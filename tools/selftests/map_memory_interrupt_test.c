// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * Interruptions of the calls that block: EINTR, promptly, with the progress so
 * far, and the rest can be handed in again.
 */
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"

FIXTURE(interrupt) {
	struct blocked_job job;
	/* For the ioctl on a vCPU, instead of the batch. */
	struct kvm_memory_mapping mapping;
	bool on_vcpu;
	bool with_ring;
	struct io_uring ring;
	int eventfd;
	pthread_t thread;
	int result;
};

FIXTURE_VARIANT(interrupt) {
	bool on_vcpu;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(interrupt, vcpu) { .on_vcpu = true, .workers = 1 };
FIXTURE_VARIANT_ADD(interrupt, batch_1_worker) { .workers = 1 };
FIXTURE_VARIANT_ADD(interrupt, batch_4_workers) { .workers = 4 };

static volatile sig_atomic_t nr_signals;

static void on_signal(int signal)
{
	nr_signals++;
}

FIXTURE_SETUP(interrupt)
{
	/* Not even a signal whose system calls are restarted restarts it. */
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	if (!blocked_job_create(&self->job, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	self->on_vcpu = variant->on_vcpu;
	self->mapping.base_address = TEST_GPA;
	self->mapping.size = BLOCKED_SIZE;
}

FIXTURE_TEARDOWN(interrupt)
{
	kvm_vm_free(self->job.vm);
}

static int call(FIXTURE_DATA(interrupt) *self)
{
	int ret;

	if (self->on_vcpu)
		ret = ioctl(self->job.vcpu->fd, KVM_MAP_MEMORY, &self->mapping);
	else
		ret = ioctl(self->job.vm->fd, KVM_MAP_MEMORY_BATCH, &self->job.batch);
	return ret ? -errno : 0;
}

/* The thread that submitted a request is the one that task work comes to. */
static void *call_in_thread(void *data)
{
	FIXTURE_DATA(interrupt) *self = data;

	if (self->with_ring) {
		map_ring_open(&self->ring, 4, 0);
		io_uring_prep_poll_add(io_uring_get_sqe(&self->ring), self->eventfd,
				       POLLIN);
		map_ring_submit(&self->ring, 1);
	}
	self->result = call(self);
	return NULL;
}

static void start(FIXTURE_DATA(interrupt) *self)
{
	TEST_ASSERT(!pthread_create(&self->thread, NULL, call_in_thread, self),
		    "Cannot create a thread");
	blocked_job_wait(&self->job);
}

static void expect_interrupted(FIXTURE_DATA(interrupt) *self)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PROMPT_MS / 1000;
	TEST_ASSERT(!pthread_timedjoin_np(self->thread, NULL, &end),
		    "The call did not return in %d ms", PROMPT_MS);
	TEST_ASSERT_EQ(self->result, -EINTR);
	if (!self->on_vcpu) {
		blocked_job_assert_left(&self->job);
		return;
	}
	TEST_ASSERT_EQ(self->mapping.base_address, TEST_GPA + BLOCKED_OFFSET);
	TEST_ASSERT_EQ(self->mapping.size, BLOCKED_SIZE - BLOCKED_OFFSET);
	TEST_ASSERT_EQ(vm_get_stat(self->job.vm, "pages_4k"),
		       BLOCKED_OFFSET / PAGE_SIZE);
}

static void finish(FIXTURE_DATA(interrupt) *self)
{
	uint64_t faults;

	uffd_gate_destroy(&self->job.gate);
	TEST_ASSERT_EQ(call(self), 0);
	if (self->on_vcpu)
		TEST_ASSERT_EQ(self->mapping.size, 0);
	else
		assert_batch_done(&self->job.batch, BLOCKED_SIZE - BLOCKED_OFFSET, 0);
	faults = guest_read_write(self->job.vcpu, TEST_GPA, BLOCKED_SIZE,
				  self->job.hva);
	TEST_ASSERT_EQ(faults, 0);
}

TEST_F(interrupt, signal)
{
	start(self);
	ASSERT_EQ(0, pthread_kill(self->thread, SIGUSR1));
	expect_interrupted(self);
	ASSERT_EQ(1, nr_signals);
	finish(self);
}

/* A signal that the thread has blocked is not its business. */
TEST_F(interrupt, blocked_signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ASSERT_EQ(0, pthread_sigmask(SIG_BLOCK, &set, NULL));
	start(self);
	ASSERT_EQ(0, pthread_kill(self->thread, SIGUSR1));
	uffd_gate_destroy(&self->job.gate);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));
	ASSERT_EQ(0, self->result);
	ASSERT_EQ(0, nr_signals);
}

/* There is no signal: io_uring has a completion for the thread. */
TEST_F(interrupt, task_work)
{
	uint64_t one = 1;

	self->with_ring = true;
	self->eventfd = eventfd(0, 0);
	ASSERT_LE(0, self->eventfd);
	start(self);
	ASSERT_EQ(sizeof(one), write(self->eventfd, &one, sizeof(one)));
	expect_interrupted(self);
	ASSERT_EQ(POLLIN, map_ring_wait(&self->ring, NULL));
	ASSERT_EQ(0, nr_signals);
	io_uring_queue_exit(&self->ring);
	close(self->eventfd);
	finish(self);
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_VCPU);
	map_require_batches();
	return test_harness_run(argc, argv);
}
