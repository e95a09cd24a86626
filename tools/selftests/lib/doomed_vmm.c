// SPDX-License-Identifier: GPL-2.0
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "doomed_vmm.h"
#include "host_state.h"

#define JOB	1
#define CANCEL	2

static struct doomed_round *round_now;
static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
/* It is asked for when @vcpu may have been freed. */
static int vcpu_fd;
static void *memory;
static pthread_t job_threads[DOOMED_MAX_JOBS];
static unsigned int nr_ready;

static void exit_this_thread(void)
{
	syscall(__NR_exit, 0);
}

static void thread_start(pthread_t *thread, void *(*fn)(void *), void *data)
{
	TEST_ASSERT(!pthread_create(thread, NULL, fn, data), "Cannot create a thread");
}

static bool struck(void)
{
	return READ_ONCE(round_now->struck);
}

static void *run_vcpu(void *data)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = DOOMED_SIZE / PAGE_SIZE,
		.ops = PASS_READ | PASS_WRITE | PASS_FOREVER,
	};

	__atomic_fetch_add(&nr_ready, 1, __ATOMIC_SEQ_CST);
	/* Memory that was taken away from the guest is no failure here. */
	__guest_pass_run(vcpu, &pass);
	return NULL;
}

static void wait_for_go(void)
{
	__atomic_fetch_add(&nr_ready, 1, __ATOMIC_SEQ_CST);
	while (!READ_ONCE(round_now->go))
		sched_yield();
}

static void submit(struct io_uring *ring)
{
	while (io_uring_submit(ring) == -EINTR)
		;
}

static void cancel_command(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_cancel64(sqe, JOB, 0);
	sqe->user_data = CANCEL;
	submit(ring);
}

/* Without waiting in the kernel, where the thread would hold the ring. */
static bool take_cqe(struct io_uring *ring, uint64_t *user_data, int *result)
{
	struct io_uring_cqe *cqe;

	if (ring->flags & IORING_SETUP_DEFER_TASKRUN)
		io_uring_get_events(ring);
	if (io_uring_peek_cqe(ring, &cqe)) {
		usleep(100);
		return false;
	}
	*user_data = cqe->user_data;
	*result = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return true;
}

static void run_command(struct doomed_job *job, struct io_uring *ring)
{
	int nr_awaited = 1, result;
	uint64_t user_data;
	bool cancelled = false;

	map_ring_prep(ring, vm->fd, &job->batch, JOB);
	WRITE_ONCE(job->handed_in, true);
	submit(ring);
	while (nr_awaited) {
		if (struck() && (round_now->death == DEATH_RINGS ||
				 round_now->death == DEATH_THREADS))
			break;
		if (struck() && round_now->death == DEATH_CANCEL && !cancelled) {
			cancelled = true;
			cancel_command(ring);
			nr_awaited++;
		}
		if (!take_cqe(ring, &user_data, &result))
			continue;
		nr_awaited--;
		if (user_data == JOB) {
			job->result = result;
			WRITE_ONCE(job->returned, true);
		} else {
			TEST_ASSERT(!result || result == -ENOENT || result == -EALREADY,
				    "The cancellation's result is %d", result);
		}
	}
}

static void run_ioctl(struct doomed_job *job)
{
	int ret;

	WRITE_ONCE(job->handed_in, true);
	if (job->entry == ENTRY_VCPU)
		ret = ioctl(vcpu_fd, KVM_MAP_MEMORY, &job->mapping);
	else
		ret = ioctl(vm->fd, KVM_MAP_MEMORY_BATCH, &job->batch);
	job->result = ret ? -errno : 0;
	WRITE_ONCE(job->returned, true);
}

static void *run_job(void *data)
{
	struct doomed_job *job = data;
	struct io_uring ring;

	job->batch.progress = (uint64_t)(job->progress_in_guest ?
					 memory + DOOMED_SIZE - PAGE_SIZE :
					 &job->progress);
	if (job->entry == ENTRY_URING)
		map_ring_open(&ring, 4, job->ring_flags);
	wait_for_go();

	if (job->entry == ENTRY_URING)
		run_command(job, &ring);
	else
		run_ioctl(job);

	if (round_now->death == DEATH_THREADS) {
		while (!struck())
			usleep(100);
		exit_this_thread();
	}
	if (job->entry == ENTRY_URING)
		io_uring_queue_exit(&ring);
	/*
	 * Not to end while the process is to stop: io_uring has the thread wait for
	 * its io-wq threads, and if these have stopped the process never does.
	 */
	while (round_now->death == DEATH_STOP_AND_KILL)
		pause();
	return NULL;
}

/* Another process keeps VM and rings some time longer than the VMM lives. */
static void fork_holder(void)
{
	struct kvm_memory_mapping mapping = { .base_address = TEST_GPA, .size = SZ_2M };
	struct kvm_map_memory_batch batch;
	pid_t vmm = getpid();

	if (fork())
		return;
	wait_until(getppid() != vmm);
	usleep(round_now->seed % 30000);
	map_batch_init(&batch, &mapping, 1, 2);
	if (ioctl(vm->fd, KVM_MAP_MEMORY_BATCH, &batch) != -1 || errno != EIO)
		_exit(1);
	_exit(DOOMED_EXIT);
}

static void on_signal(int signal)
{
}

static void *execute(void *data)
{
	execl("/proc/self/exe", "doomed", "--exit", NULL);
	TEST_FAIL("Cannot become another program");
	return NULL;
}

static void strike(void)
{
	pthread_t thread;
	unsigned int i;

	round_now->stage = doomed_round_stage(round_now);
	WRITE_ONCE(round_now->struck, true);
	switch (round_now->death) {
	case DEATH_EXIT:
		_exit(DOOMED_EXIT);
	case DEATH_CORE:
		abort();
	case DEATH_EXEC:
		execute(NULL);
		break;
	case DEATH_EXEC_BY_THREAD:
		thread_start(&thread, execute, NULL);
		for (;;)
			pause();
	case DEATH_THREADS:
		exit_this_thread();
		break;
	case DEATH_VM:
		kvm_vm_release(vm);
		break;
	case DEATH_SIGNALS:
		for (i = 0; i < round_now->nr_jobs; i++)
			pthread_kill(job_threads[i], SIGUSR1);
		break;
	case DEATH_MUNMAP:
		TEST_ASSERT(!munmap(memory, DOOMED_SIZE), "Cannot unmap the memory");
		break;
	default:
		/* The rings' own threads do it. */
		break;
	}
}

static bool result_is_fine(const struct doomed_job *job)
{
	switch (job->result) {
	case 0:
	case -EINTR:	/* also when a thread has to make helpers for another */
	case -EAGAIN:	/* others kept replacing its pages for ten seconds */
		return true;
	case -ECANCELED:
		return round_now->death == DEATH_VM || round_now->death == DEATH_CANCEL;
	case -EFAULT:
		return round_now->death == DEATH_MUNMAP;
	case -EBADF:
	case -ENOTTY:	/* the number may have been given to another file */
	case -EOPNOTSUPP:
		return round_now->death == DEATH_VM;
	default:
		return false;
	}
}

/* Another job gets what those that were cut short have left. */
static void map_everything(void)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = DOOMED_SIZE,
	};
	struct kvm_map_memory_batch batch;
	int ret;

	do {
		map_batch_init(&batch, &mapping, 1, 2);
		ret = map_batch(vm, MAP_BY_IOCTL, &batch);
	} while (ret == -EAGAIN);
	if (round_now->death == DEATH_MUNMAP) {
		TEST_ASSERT_EQ(ret, -EFAULT);
		return;
	}
	TEST_ASSERT_EQ(ret, 0);
	TEST_ASSERT_EQ(mapping.size, 0);
	TEST_ASSERT_EQ(batch.first_undone, 1);
}

static void live_on(void)
{
	struct timespec end;
	unsigned int i;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += DEADLINE_MS / 1000;
	for (i = 0; i < round_now->nr_jobs; i++) {
		const struct doomed_job *job = &round_now->jobs[i];

		TEST_ASSERT(!pthread_timedjoin_np(job_threads[i], NULL, &end),
			    "Job %u does not end", i);
		TEST_ASSERT(!job->returned || result_is_fine(job),
			    "Job %u ended with %d", i, job->result);
	}

	if (round_now->death == DEATH_VM)
		TEST_ASSERT(wait_until(count_vms(getpid()) <= 0),
			    "The VM outlives its descriptors");
	else
		map_everything();
	/* Rarely, for it takes a second. */
	if (round_now->seed % 32 == 0)
		TEST_ASSERT(wait_until(!count_threads(HELPER_COMM)),
			    "Helper threads are left");
	_exit(DOOMED_EXIT);
}

void doomed_vmm_run(struct doomed_round *round)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct rlimit limit = { .rlim_cur = 65536, .rlim_max = 65536 };
	unsigned int i;
	pthread_t thread;

	round_now = round;
	/* The test must not survive its round, whatever ends it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The library has something to say about every VM. */
	TEST_ASSERT(freopen("/dev/null", "w", stdout), "Cannot open /dev/null");
	TEST_ASSERT(!sigaction(SIGUSR1, &action, NULL), "Cannot handle signals");

	vm = test_vm_create(1, &vcpu);
	vcpu_fd = vcpu->fd;
	/*
	 * A core dump has a beginning here, and a place.  Not earlier: VM and test
	 * are made from one file, whose name may be relative.
	 */
	TEST_ASSERT(!setrlimit(RLIMIT_CORE, &limit) && !chdir("/tmp"),
		    "Cannot limit the core dump");
	memory = doomed_memory_create(vm, round);
	for (i = 0; i < round->nr_jobs; i++)
		thread_start(&job_threads[i], run_job, &round->jobs[i]);
	if (round->vcpu_runs)
		thread_start(&thread, run_vcpu, NULL);
	while (__atomic_load_n(&nr_ready, __ATOMIC_SEQ_CST) <
	       round->nr_jobs + round->vcpu_runs)
		sched_yield();
	if (round->death == DEATH_KILL_BUT_VM_HELD)
		fork_holder();

	WRITE_ONCE(round->ready, true);
	while (!READ_ONCE(round->go))
		sched_yield();
	if (round->death <= DEATH_KILL_BUT_VM_HELD)
		for (;;)
			pause();
	doomed_round_delay(round);
	strike();
	live_on();
}
