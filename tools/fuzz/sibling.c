// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"
#include "sibling.h"
#include "sysfile.h"

enum turn { TURN_IDLE, TURN_ASKED, TURN_ANSWERED };

/* In memory that both have. */
static struct sibling {
	atomic_uint turn;
	int (*what)(pid_t pid, const uint64_t *arguments);
	uint64_t arguments[3];
	int answer;
} *sibling;

/* Of the threads that ask. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t sibling_pid;

/* The control group of the process under test. */
static char cgroup[64];

static void turn_set(enum turn turn)
{
	sibling->turn = turn;
	syscall(SYS_futex, &sibling->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void turn_await(enum turn turn)
{
	unsigned int now;

	while ((now = sibling->turn) != turn)
		syscall(SYS_futex, &sibling->turn, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void serve(pid_t pid)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != pid)
		_exit(0);
	for (;;) {
		turn_await(TURN_ASKED);
		if (!sibling->what)
			_exit(0);
		sibling->answer = sibling->what(pid, sibling->arguments);
		turn_set(TURN_ANSWERED);
	}
}

static int cgroup_write(const char *directory, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return sysfile_write(path, text);
}

static void cgroup_enter(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (mkdir(cgroup, 0755) || cgroup_write(cgroup, "cgroup.procs", pid))
		printf("# no control group: %s\n", strerror(errno));
}

static void cgroup_leave(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (cgroup_write(CGROUP_ROOT, "cgroup.procs", pid) || rmdir(cgroup))
		printf("# the control group stays: %s\n", strerror(errno));
}

void sibling_start(void)
{
	pid_t pid = getpid();

	sibling = mmap(NULL, sizeof(*sibling), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sibling == MAP_FAILED) {
		printf("Bail out! no memory\n");
		_exit(1);
	}
	snprintf(cgroup, sizeof(cgroup), CGROUP_ROOT "/fuzz-%d", pid);
	/* With the table of descriptors, and so with those that come later. */
	sibling_pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (!sibling_pid)
		serve(pid);
	if (sibling_pid < 0) {
		printf("Bail out! no second process\n");
		_exit(1);
	}
	if (machine.freezer)
		cgroup_enter();
}

static int ask(int (*what)(pid_t pid, const uint64_t *arguments), uint64_t first,
	       uint64_t second, uint64_t third)
{
	int answer;

	pthread_mutex_lock(&lock);
	sibling->what = what;
	sibling->arguments[0] = first;
	sibling->arguments[1] = second;
	sibling->arguments[2] = third;
	turn_set(TURN_ASKED);
	turn_await(TURN_ANSWERED);
	answer = sibling->answer;
	pthread_mutex_unlock(&lock);
	return answer;
}

void sibling_end(void)
{
	sibling->what = NULL;
	turn_set(TURN_ASKED);
	while (waitpid(sibling_pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (machine.freezer)
		cgroup_leave();
}

static int do_ioctl(pid_t pid, const uint64_t *arguments)
{
	(void)pid;
	return ioctl(arguments[0], arguments[1], arguments[2]) ? -errno : 0;
}

int sibling_ioctl(int fd, unsigned long request, uint64_t argument)
{
	return ask(do_ioctl, fd, request, argument);
}

static int do_stop(pid_t pid, const uint64_t *arguments)
{
	if (kill(pid, SIGSTOP))
		return -errno;
	usleep(arguments[0]);
	return kill(pid, SIGCONT) ? -errno : 0;
}

int sibling_stop(unsigned int us)
{
	return ask(do_stop, us, 0, 0);
}

static int do_freeze(pid_t pid, const uint64_t *arguments)
{
	int ret;

	(void)pid;
	ret = cgroup_write(cgroup, "cgroup.freeze", "1");
	if (ret)
		return ret;
	usleep(arguments[0]);
	return cgroup_write(cgroup, "cgroup.freeze", "0");
}

int sibling_freeze(unsigned int us)
{
	return ask(do_freeze, us, 0, 0);
}

/*
 * It stops before it returns to userspace, or sooner; nothing that it waits for is
 * held by this process.
 */
static int do_trace(pid_t pid, const uint64_t *arguments)
{
	pid_t tid = arguments[0];

	(void)pid;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		return -errno;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ||
	    waitpid(tid, NULL, __WALL) != tid)
		return -errno;
	usleep(arguments[1]);
	return ptrace(PTRACE_DETACH, tid, NULL, NULL) ? -errno : 0;
}

int sibling_trace(pid_t tid, unsigned int us)
{
	return ask(do_trace, tid, us, 0);
}
