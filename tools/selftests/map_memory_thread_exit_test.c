// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
/*
 * Threads of a VMM end, one of them, the first of the process, or one after the
 * other all of them, and so do threads of io_uring, while a job is in the middle
 * of its work.
 */
#include <sys/syscall.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"
#include "lib/vmm_process.h"

FIXTURE(thread_exit) {
	struct vmm_process vmm;
	struct blocked_job job;
	struct map_thread thread;
	struct io_uring ring;
	unsigned int ring_flags;
};

FIXTURE_VARIANT(thread_exit) {
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(thread_exit, 1_worker) { .workers = 1 };
FIXTURE_VARIANT_ADD(thread_exit, 4_workers) { .workers = 4 };

FIXTURE_SETUP(thread_exit)
{
	vmm_process_init(&self->vmm);
}

FIXTURE_TEARDOWN(thread_exit)
{
	vmm_process_destroy(&self->vmm);
}

/* This thread alone, whatever the process does. */
static void exit_this_thread(void)
{
	syscall(__NR_exit, 0);
}

/* In the VMM, which becomes a process of its own; the test gets false. */
static bool become_vmm(FIXTURE_DATA(thread_exit) *self, uint32_t workers)
{
	self->vmm.pid = fork();
	TEST_ASSERT(self->vmm.pid >= 0, "fork failed");
	if (self->vmm.pid)
		return false;
	if (blocked_job_create(&self->job, workers))
		return true;
	vmm_say(&self->vmm, 'n');
	_exit(0);
}

static bool vmm_is_ready(FIXTURE_DATA(thread_exit) *self)
{
	return vmm_hear(&self->vmm) == 'b';
}

static bool first_thread_is_gone(void)
{
	char path[64], line[256] = "", state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file) ||
	    sscanf(strrchr(line, ')') ?: "", ") %c", &state) != 1)
		TEST_FAIL("Cannot read %s", path);
	fclose(file);
	return state == 'Z';
}

/* The job's thread is the last one, and leads the VMM to a good end. */
static void *finish_without_the_first(void *data)
{
	FIXTURE_DATA(thread_exit) *self = data;

	TEST_ASSERT(wait_until(first_thread_is_gone()), "The first thread stays");
	uffd_gate_destroy(&self->job.gate);
	TEST_ASSERT_EQ(map_thread_join(&self->thread), 0);
	assert_batch_done(&self->job.batch, BLOCKED_SIZE, 0);
	TEST_ASSERT_EQ(guest_read_write(self->job.vcpu, TEST_GPA, BLOCKED_SIZE,
					self->job.hva), 0);
	_exit(42);
}

static void check_without_the_first(FIXTURE_DATA(thread_exit) *self, int entry,
				    uint32_t workers)
{
	pthread_t thread;

	if (!become_vmm(self, workers))
		return;
	map_thread_start(&self->thread, self->job.vm, entry, &self->job.batch);
	blocked_job_wait(&self->job);
	TEST_ASSERT(!pthread_create(&thread, NULL, finish_without_the_first, self),
		    "Cannot create a thread");
	vmm_say(&self->vmm, 'b');
	exit_this_thread();
}

TEST_F_TIMEOUT(thread_exit, first_thread_during_the_ioctl, 60)
{
	int status;

	check_without_the_first(self, MAP_BY_IOCTL, variant->workers);
	if (!vmm_is_ready(self))
		SKIP(return, "userfaultfd is not permitted");
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

TEST_F_TIMEOUT(thread_exit, first_thread_during_a_command, 60)
{
	int status;

	check_without_the_first(self, MAP_BY_URING, variant->workers);
	if (!vmm_is_ready(self))
		SKIP(return, "userfaultfd is not permitted");
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

/* No exit of the process, no signal: the helpers must not keep it alive. */
static void check_all_threads(FIXTURE_DATA(thread_exit) *self, unsigned int flags,
			      uint32_t workers)
{
	if (!become_vmm(self, workers))
		return;
	map_ring_open(&self->ring, 4, flags);
	blocked_job_submit(&self->job, &self->ring);
	vmm_say(&self->vmm, 'b');
	exit_this_thread();
}

TEST_F_TIMEOUT(thread_exit, all_threads, 60)
{
	check_all_threads(self, 0, variant->workers);
	if (!vmm_is_ready(self))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, vmm_reap(&self->vmm));
}

TEST_F_TIMEOUT(thread_exit, all_threads_with_deferred_task_run, 60)
{
	check_all_threads(self, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
			  variant->workers);
	if (!vmm_is_ready(self))
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, vmm_reap(&self->vmm));
}

static void *submit_and_exit(void *data)
{
	FIXTURE_DATA(thread_exit) *self = data;

	map_ring_open(&self->ring, 4, self->ring_flags);
	blocked_job_submit(&self->job, &self->ring);
	return NULL;
}

static bool submit_in_thread_that_exits(FIXTURE_DATA(thread_exit) *self,
					unsigned int flags, uint32_t workers)
{
	pthread_t thread;

	if (!blocked_job_create(&self->job, workers))
		return false;
	self->ring_flags = flags;
	TEST_ASSERT(!pthread_create(&thread, NULL, submit_and_exit, self) &&
		    !pthread_join(thread, NULL), "Cannot create a thread");
	return true;
}

/* Nobody else may take the CQE of such a ring: results are all there is. */
TEST_F_TIMEOUT(thread_exit, owner_of_a_ring_with_deferred_task_run, 60)
{
	if (!submit_in_thread_that_exits(self, IORING_SETUP_SINGLE_ISSUER |
					 IORING_SETUP_DEFER_TASKRUN,
					 variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	blocked_job_wait_left(&self->job);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

/* It is the SQPOLL thread that submits, and it goes on. */
TEST_F_TIMEOUT(thread_exit, opener_of_a_ring_with_sqpoll, 60)
{
	if (!submit_in_thread_that_exits(self, IORING_SETUP_SQPOLL, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	blocked_job_let_go(&self->job, &self->ring);
}

static void open_sqpoll(struct io_uring *ring, struct io_uring_params *params)
{
	params->flags |= IORING_SETUP_SQPOLL;
	params->sq_thread_idle = 1;
	TEST_ASSERT_EQ(io_uring_queue_init_params(4, ring, params), 0);
}

/* The SQPOLL thread sleeps, and has to be woken for the cancellation. */
TEST_F_TIMEOUT(thread_exit, sqpoll_thread_sleeps, 60)
{
	struct io_uring_params params = {};
	struct io_uring_sqe *sqe;
	int results[2];

	if (!blocked_job_create(&self->job, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	open_sqpoll(&self->ring, &params);
	map_ring_prep(&self->ring, self->job.vm->fd, &self->job.batch, 1);
	map_ring_submit(&self->ring, 1);
	blocked_job_wait(&self->job);
	ASSERT_TRUE(wait_until(READ_ONCE(*self->ring.sq.kflags) & IORING_SQ_NEED_WAKEUP));

	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 1, 0);
	sqe->user_data = 0;
	map_ring_submit(&self->ring, 1);
	map_ring_wait_all(&self->ring, results, 2);
	ASSERT_EQ(-EALREADY, results[0]);
	ASSERT_EQ(-ECANCELED, results[1]);
	blocked_job_assert_left(&self->job);
	io_uring_queue_exit(&self->ring);
	blocked_job_finish(&self->job, MAP_BY_URING);
}

/* Two rings have one SQPOLL thread: the end of one is not that of the other. */
TEST_F_TIMEOUT(thread_exit, ring_that_shares_the_sqpoll_thread, 60)
{
	struct io_uring_params params = {}, attached = {};
	struct io_uring other;

	if (!blocked_job_create(&self->job, variant->workers))
		SKIP(return, "userfaultfd is not permitted");
	open_sqpoll(&other, &params);
	attached.flags = IORING_SETUP_ATTACH_WQ;
	attached.wq_fd = other.ring_fd;
	open_sqpoll(&self->ring, &attached);
	map_ring_prep(&self->ring, self->job.vm->fd, &self->job.batch, 1);
	map_ring_submit(&self->ring, 1);
	blocked_job_wait(&self->job);
	io_uring_queue_exit(&other);
	blocked_job_let_go(&self->job, &self->ring);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
