// SPDX-License-Identifier: GPL-2.0
/* Who a thread is, and where, while it makes a call. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call.h"
#include "machine.h"

#define NOBODY	65534

STEP(credentials, 10, "call with other credentials");

/* By the bare system call: libc's has all threads do it. */
static int set_effective_uid(uid_t uid)
{
	return syscall(SYS_setresuid, -1, uid, -1) ? -errno : 0;
}

static void make_credentials(struct thread *thread)
{
	uid_t uid = geteuid();
	int ret;

	call_begin(thread, "be nobody");
	ret = set_effective_uid(NOBODY);
	call_end(thread);
	call_batch(thread);
	if (!ret)
		ret = set_effective_uid(uid);
	if (ret)
		violation(thread, "the thread's user does not change: %d", ret);
	count_call(&step_credentials, ret);
}

STEP(namespaces, 10, "call in another namespace", NEEDS_NAMESPACES);

static void make_namespaces(struct thread *thread)
{
	int before, ret;

	before = open("/proc/thread-self/ns/uts", O_RDONLY | O_CLOEXEC);
	call_begin(thread, "unshare a namespace");
	ret = before < 0 || unshare(CLONE_NEWUTS) ? -errno : 0;
	call_end(thread);
	call_batch(thread);
	if (!ret && setns(before, CLONE_NEWUTS))
		violation(thread, "the thread cannot go back to its namespace: %d",
			  errno);
	if (before >= 0)
		close(before);
	count_call(&step_namespaces, ret);
}
