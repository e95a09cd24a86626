// SPDX-License-Identifier: GPL-2.0
/*
 * The end of helpers: how a thread ends itself, and seen from outside, until it is gone,
 * and what it leaves.
 *
 * A thread that has ended is reaped by the owner of a job that waits for it, or by
 * work that looks at what is left.  Neither blocks on a thread that can be held.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/vhost_task.h>
#include <linux/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "map_memory.h"
#include "map_memory_helper.h"

#define MAP_MEMORY_REAP_AGAIN	(HZ / 10)
#define MAP_MEMORY_GONE_USECS	20

/* Helpers whose threads do not enter the module again. */
static LIST_HEAD(map_memory_ended);
static DEFINE_SPINLOCK(map_memory_ended_lock);

/*
 * A signal that ends a user worker: one with a handler, or one that kills.  The
 * handler itself is never run.
 */
static int map_memory_end_signal(const struct sighand_struct *sighand)
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
bool kvm_map_memory_end_thread(void)
{
	/* A thread has it until it exits. */
	struct sighand_struct *sighand = rcu_dereference_raw(current->sighand);
	int sig = 0;

	spin_lock_irq(&sighand->siglock);
	if (!current->ptrace)
		sig = map_memory_end_signal(sighand);
	if (sig) {
		sigdelset(&current->blocked, sig);
		sigaddset(&current->pending.signal, sig);
		recalc_sigpending();
	}
	spin_unlock_irq(&sighand->siglock);

	return sig;
}

void kvm_map_memory_helper_put(struct map_memory_helper *helper)
{
	if (!refcount_dec_and_test(&helper->users))
		return;

	if (helper->task)
		put_task_struct(helper->task);
	kvm_map_memory_pool_put(helper->pool);
	kfree(helper);
}

/*
 * Free what ended threads leave behind.  vhost_task_stop() waits for a thread
 * that has not completed its vhost_task; one that is PF_EXITING has.
 */
static bool map_memory_reap(void)
{
	struct map_memory_helper *helper, *next;
	LIST_HEAD(exited);
	bool more;

	spin_lock(&map_memory_ended_lock);
	list_for_each_entry_safe(helper, next, &map_memory_ended, ended_node) {
		if (READ_ONCE(helper->task->flags) & PF_EXITING)
			list_move(&helper->ended_node, &exited);
	}
	more = !list_empty(&map_memory_ended);
	spin_unlock(&map_memory_ended_lock);

	list_for_each_entry_safe(helper, next, &exited, ended_node) {
		vhost_task_stop(helper->vhost_task);
		kvm_map_memory_helper_put(helper);
		module_put(THIS_MODULE);
	}

	return more;
}

static void map_memory_reap_work_fn(struct work_struct *work)
{
	if (map_memory_reap())
		schedule_delayed_work(to_delayed_work(work), MAP_MEMORY_REAP_AGAIN);
}

static DECLARE_DELAYED_WORK(map_memory_reap_work, map_memory_reap_work_fn);

/* For the thread of @helper, which enters the module no more. */
void kvm_map_memory_reap_later(struct map_memory_helper *helper)
{
	spin_lock(&map_memory_ended_lock);
	list_add(&helper->ended_node, &map_memory_ended);
	spin_unlock(&map_memory_ended_lock);
	schedule_delayed_work(&map_memory_reap_work, MAP_MEMORY_REAP_AGAIN);
}

/* The module goes away: no helper is left, but the work may still be returning. */
void kvm_map_memory_helpers_exit(void)
{
	cancel_delayed_work_sync(&map_memory_reap_work);
}

/*
 * Whether a debugger, a stop signal or a freezer has the thread, or will have it
 * before it ends.
 */
bool kvm_map_memory_task_held(struct task_struct *task)
{
	return READ_ONCE(task->ptrace) ||
	       READ_ONCE(task->jobctl) & (JOBCTL_PENDING_MASK | JOBCTL_STOPPED |
					  JOBCTL_TRACED | JOBCTL_TRAP_FREEZE) ||
	       READ_ONCE(task->__state) & TASK_FROZEN;
}

/* Threads that have not run yet are not known: does anything hold one? */
static bool map_memory_process_held(void)
{
	struct task_struct *thread;

	guard(rcu)();

	for_each_thread(current, thread) {
		if ((READ_ONCE(thread->flags) & PF_USER_WORKER) &&
		    kvm_map_memory_task_held(thread))
			return true;
	}

	return false;
}

/* Whether the thread of @helper is, or will be, there, and nothing holds it. */
static bool map_memory_helper_awaited(struct map_memory_helper *helper)
{
	struct task_struct *task;
	bool awaited;

	spin_lock(&helper->pool->lock);
	awaited = helper->state < MAP_MEMORY_HELPER_UNABLE;
	task = helper->task;
	spin_unlock(&helper->pool->lock);

	if (!awaited)
		return false;
	if (!task)
		return !map_memory_process_held();

	/* Cleared after the thread has left its group. */
	return rcu_access_pointer(task->sighand) && !kvm_map_memory_task_held(task);
}

/*
 * Wait until the threads of @helpers, a list of references, are gone, but for those
 * that are held, and drop the references.  A thread that nothing holds needs some
 * microseconds, so that only SIGKILL ends the wait.  Without @wait only the latter.
 */
void kvm_map_memory_wait_gone(struct list_head *helpers, bool wait)
{
	struct map_memory_helper *helper, *next;

	list_for_each_entry_safe(helper, next, helpers, node) {
		while (wait && map_memory_helper_awaited(helper)) {
			if (fatal_signal_pending(current))
				wait = false;
			else
				usleep_range(MAP_MEMORY_GONE_USECS,
					     2 * MAP_MEMORY_GONE_USECS);
		}

		list_del(&helper->node);
		kvm_map_memory_helper_put(helper);
	}

	map_memory_reap();
}

/*
 * For the owner, after the last worker has left: wait until the helpers that are
 * not to stay are gone.
 */
void kvm_map_memory_helpers_wait_gone(struct map_memory_job *job)
{
	if (list_empty(&job->helpers))
		return;

	kvm_map_memory_wait_gone(&job->helpers, true);
}
