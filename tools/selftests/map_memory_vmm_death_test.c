// SPDX-License-Identifier: GPL-2.0
/*
 * The VMM is killed, exits, replaces itself, dumps core, is stopped or frozen
 * while its job is in the middle of its work.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kvm_test_harness.h"

#include "lib/blocked_job.h"
#include "lib/host_state.h"
#include "lib/vmm_process.h"

#define CGROUP	"/sys/fs/cgroup/kvm-map-memory-frozen"

FIXTURE(vmm) {
	struct vmm_process vmm;
};

FIXTURE_VARIANT(vmm) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(vmm, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(vmm, ioctl_4_workers) {
	.entry = MAP_BY_IOCTL, .workers = 4,
};

FIXTURE_VARIANT_ADD(vmm, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(vmm, uring_4_workers) {
	.entry = MAP_BY_URING, .workers = 4,
};

FIXTURE_SETUP(vmm)
{
	vmm_process_init(&self->vmm);
}

FIXTURE_TEARDOWN(vmm)
{
	vmm_process_destroy(&self->vmm);
}

/* Says 'b' when its job stands still, or 'n' if that cannot be arranged. */
static void start_job(FIXTURE_DATA(vmm) *self, struct blocked_job *job,
		      struct map_thread *thread, enum map_entry entry,
		      uint32_t workers)
{
	if (!blocked_job_create(job, workers)) {
		vmm_say(&self->vmm, 'n');
		_exit(0);
	}
	map_thread_start(thread, job->vm, entry, &job->batch);
	blocked_job_wait(job);
	vmm_say(&self->vmm, 'b');
}

/* The VMM is a process of its own, so that all of it can end. */
static bool fork_vmm(FIXTURE_DATA(vmm) *self, enum map_entry entry,
		     uint32_t workers, void (*then)(void))
{
	struct map_thread thread;
	struct blocked_job job;

	self->vmm.pid = fork();
	TEST_ASSERT(self->vmm.pid >= 0, "fork failed");
	if (self->vmm.pid)
		return vmm_hear(&self->vmm) == 'b';

	start_job(self, &job, &thread, entry, workers);
	if (then)
		then();
	pause();
	_exit(99);
}

TEST_F(vmm, sigkill)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, NULL))
		SKIP(return, "userfaultfd is not permitted");
	if (count_vms(self->vmm.pid) >= 0)
		ASSERT_EQ(1, count_vms(self->vmm.pid));
	ASSERT_EQ(0, kill(self->vmm.pid, SIGKILL));
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void exit_now(void)
{
	_exit(42);
}

TEST_F(vmm, exit)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, exit_now))
		SKIP(return, "userfaultfd is not permitted");
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void dump_core(void)
{
	/* Its beginning is enough, in the machine's own memory. */
	struct rlimit limit = { .rlim_cur = 65536, .rlim_max = 65536 };

	TEST_ASSERT(!setrlimit(RLIMIT_CORE, &limit) && !chdir("/tmp"),
		    "Cannot prepare the core dump");
	abort();
}

/* All threads have to be still before the dump begins. */
TEST_F(vmm, core_dump)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, dump_core))
		SKIP(return, "userfaultfd is not permitted");
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	unlink("/tmp/core");
}

static void exec_now(void)
{
	/* This program again, which exits at once when asked for its help. */
	TEST_ASSERT(freopen("/dev/null", "w", stderr), "Cannot open /dev/null");
	execl("/proc/self/exe", "vmm", "-h", NULL);
}

TEST_F(vmm, exec)
{
	int status;

	if (!fork_vmm(self, variant->entry, variant->workers, exec_now))
		SKIP(return, "userfaultfd is not permitted");
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP);
}

static bool vmm_is_stopped(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) &&
	       info.si_pid == pid;
}

/*
 * A VMM that is to stand still does so, all of its threads, whatever a job waits
 * for; once it goes on it finds how far the job came and can hand in the rest.
 */
static void go_on_after_the_stop(FIXTURE_DATA(vmm) *self, enum map_entry entry,
				 uint32_t workers)
{
	struct map_thread thread;
	struct blocked_job job;

	start_job(self, &job, &thread, entry, workers);
	TEST_ASSERT_EQ(map_thread_join(&thread), -EINTR);
	blocked_job_assert_left(&job);
	blocked_job_finish(&job, entry);
	_exit(0);
}

TEST_F_TIMEOUT(vmm, stop_and_continue, 60)
{
	int status;

	self->vmm.pid = fork();
	ASSERT_LE(0, self->vmm.pid);
	if (!self->vmm.pid)
		go_on_after_the_stop(self, variant->entry, variant->workers);
	if (vmm_hear(&self->vmm) != 'b')
		SKIP(return, "userfaultfd is not permitted");
	ASSERT_EQ(0, kill(self->vmm.pid, SIGSTOP));
	ASSERT_TRUE(wait_until(vmm_is_stopped(self->vmm.pid)));
	ASSERT_EQ(0, kill(self->vmm.pid, SIGCONT));
	ASSERT_TRUE(wait_until(waitpid(self->vmm.pid, &status, WNOHANG) == self->vmm.pid));
	ASSERT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
}

static bool write_cgroup(const char *name, const char *word)
{
	char path[128];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), CGROUP "/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	ok = write(fd, word, strlen(word)) == (ssize_t)strlen(word);
	close(fd);
	return ok;
}

static bool is_frozen(void)
{
	char events[128] = "";
	int fd;

	fd = open(CGROUP "/cgroup.events", O_RDONLY);
	TEST_ASSERT(fd >= 0 && read(fd, events, sizeof(events) - 1) > 0,
		    "Cannot read the events of the cgroup");
	close(fd);
	return strstr(events, "frozen 1");
}

/* A VMM in a cgroup of its own, frozen in the middle of a job. */
static void freeze_vmm(FIXTURE_DATA(vmm) *self, enum map_entry entry, uint32_t workers)
{
	char pid[16];

	self->vmm.pid = fork();
	TEST_ASSERT(self->vmm.pid >= 0, "fork failed");
	if (!self->vmm.pid)
		go_on_after_the_stop(self, entry, workers);
	TEST_ASSERT_EQ(vmm_hear(&self->vmm), 'b');
	snprintf(pid, sizeof(pid), "%d", self->vmm.pid);
	TEST_ASSERT(write_cgroup("cgroup.procs", pid) &&
		    write_cgroup("cgroup.freeze", "1"), "Cannot freeze the VMM");
	TEST_ASSERT(wait_until(is_frozen()), "The VMM does not freeze");
}

static bool can_freeze(void)
{
	return (!mkdir(CGROUP, 0755) || errno == EEXIST) &&
	       !access(CGROUP "/cgroup.freeze", W_OK);
}

TEST_F_TIMEOUT(vmm, freeze_and_thaw, 60)
{
	int status;

	if (!can_freeze())
		SKIP(return, "No cgroup can be frozen here");
	freeze_vmm(self, variant->entry, variant->workers);
	ASSERT_TRUE(write_cgroup("cgroup.freeze", "0"));
	ASSERT_TRUE(wait_until(waitpid(self->vmm.pid, &status, WNOHANG) == self->vmm.pid));
	ASSERT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	ASSERT_TRUE(wait_until(!rmdir(CGROUP)));
}

TEST_F_TIMEOUT(vmm, freeze_and_kill, 60)
{
	int status;

	if (!can_freeze())
		SKIP(return, "No cgroup can be frozen here");
	freeze_vmm(self, variant->entry, variant->workers);
	ASSERT_EQ(0, kill(self->vmm.pid, SIGKILL));
	status = vmm_reap(&self->vmm);
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_TRUE(wait_until(!rmdir(CGROUP)));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
