/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY: what differs between kernel versions.  This file is for Linux
 * 7.3.
 */
#ifndef _LINUX_KVM_MAP_MEMORY_COMPAT_H
#define _LINUX_KVM_MAP_MEMORY_COMPAT_H

#include <linux/io_uring/cmd.h>
#include <linux/sched/signal.h>
#include <linux/sched/vhost_task.h>
#include <linux/signal.h>

/* vhost_task_create() of some versions returns NULL for an error. */
static inline struct vhost_task *
kvm_map_memory_create_thread(bool (*fn)(void *data), void (*handle_sigkill)(void *data),
			     void *data, const char *name)
{
	return vhost_task_create(fn, handle_sigkill, data, name);
}

/*
 * A signal that ends a user worker: one with a handler, or one that kills.  The
 * handler itself is never run.
 */
static inline int kvm_map_memory_end_signal(const struct sighand_struct *sighand)
{
	bool init = current->signal->flags & SIGNAL_UNKILLABLE;
	const struct k_sigaction *action;
	int sig;

	lockdep_assert_held(&sighand->siglock);

	for (sig = _NSIG; sig; sig--) {
		action = &sighand->action[sig - 1];
		if (sig_kernel_only(sig) || action->sa.sa_handler == SIG_IGN)
			continue;
		if (action->sa.sa_handler != SIG_DFL) {
			if (action->sa.sa_flags & SA_ONESHOT)
				continue;
			return sig;
		}
		if (!init && !sig_kernel_ignore(sig) && !sig_kernel_stop(sig) &&
		    !sig_kernel_coredump(sig))
			return sig;
	}

	return 0;
}

/*
 * Let the current vhost_task end once its function has returned true, although
 * nobody has called vhost_task_stop(): that waits for the thread, for as long as it
 * is stopped, frozen or traced, so that nobody may call it for a thread that is
 * still to handle signals.  As get_signal() makes a user worker end for a signal
 * that it finds, give the thread one, for itself alone: to the process it is not
 * sent.  Not SIGKILL, which get_signal() takes as the end of the whole group: traps
 * of a debugger would no longer be answered, and never cleared.
 *
 * Returns false if that is not possible now: the thread is traced, and its debugger
 * would see the signal, or the process ignores all of them.
 */
static inline bool kvm_map_memory_end_thread(void)
{
	/* A thread has it until it exits. */
	struct sighand_struct *sighand = rcu_dereference_raw(current->sighand);
	int sig = 0;

	spin_lock_irq(&sighand->siglock);
	if (!current->ptrace)
		sig = kvm_map_memory_end_signal(sighand);
	if (sig) {
		sigdelset(&current->blocked, sig);
		sigaddset(&current->pending.signal, sig);
		recalc_sigpending();
	}
	spin_unlock_irq(&sighand->siglock);

	return sig;
}

/* To be called before a command is punted with -EAGAIN: io_uring copies the SQE. */
static inline void kvm_map_memory_uring_keep_sqe(struct io_uring_cmd *cmd,
						 unsigned int issue_flags)
{
}

static inline const void *kvm_map_memory_uring_args(struct io_uring_cmd *cmd)
{
	return cmd->sqe->cmd;
}

/* Whether a field of the SQE is set that the command gives no meaning to. */
static inline bool kvm_map_memory_uring_unused(struct io_uring_cmd *cmd)
{
	const struct io_uring_sqe *sqe = cmd->sqe;

	return sqe->addr || sqe->len || sqe->ioprio || sqe->uring_cmd_flags ||
	       sqe->buf_index || sqe->splice_fd_in;
}

/* The thread on whose behalf @cmd runs; valid for as long as @cmd is. */
static inline struct task_struct *kvm_map_memory_uring_task(struct io_uring_cmd *cmd)
{
	return io_uring_cmd_get_task(cmd);
}

#endif /* _LINUX_KVM_MAP_MEMORY_COMPAT_H */
