// SPDX-License-Identifier: GPL-2.0
/*
 * The helper threads of a VM: the list of them, the jobs that they join, their end.
 *
 * Helpers are vhost_tasks: threads of the VMM's process, under its cgroups,
 * CPU affinity, priority and limits.  A pool comes into being with the first
 * batch of a VM; its threads go away when there was nothing to do for a while.
 *
 * A thread that works for a job holds no lock, and the job cannot go away as
 * long as job->nr_helpers counts the thread.
 */
#include <linux/cleanup.h>
#include <linux/hashtable.h>
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory_compat.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "map_memory.h"

#define MAP_MEMORY_IDLE_TIME	HZ

struct map_memory_helper {
	struct map_memory_pool *pool;
	struct vhost_task *vhost_task;
	/* Protected by pool->lock. */
	struct list_head node;
	struct map_memory_job *job;
	bool retired;
	/* There was no memory for a context; perhaps there is for the next job. */
	bool starved;
	/* Only for the thread itself, and for who has stopped it. */
	struct task_struct *task;
	struct kvm_map_memory_context *context;
};

struct map_memory_pool {
	struct hlist_node node;
	struct kvm *kvm;

	/* Held while threads are made and stopped. */
	struct mutex grow_mutex;

	/* Innermost; protects the lists and who works for which job. */
	spinlock_t lock;
	struct list_head jobs;
	struct list_head helpers;
	unsigned int nr_helpers;

	struct delayed_work retire_work;
};

/*
 * By VM, beside struct kvm: a member of it would change the CRC of every
 * symbol that KVM exports, and so shut out modules built for the stock KVM.
 * A VM's entry lives from its first batch until the VM is destroyed.
 */
static DEFINE_HASHTABLE(map_memory_pools, 6);
static DEFINE_SPINLOCK(map_memory_pools_lock);

static struct map_memory_pool *__map_memory_pool_find(struct kvm *kvm)
{
	struct map_memory_pool *pool;

	lockdep_assert_held(&map_memory_pools_lock);

	hash_for_each_possible(map_memory_pools, pool, node, (unsigned long)kvm) {
		if (pool->kvm == kvm)
			return pool;
	}

	return NULL;
}

/* The caller holds a reference to the VM, and so to its pool. */
struct map_memory_pool *kvm_map_memory_pool_find(struct kvm *kvm)
{
	struct map_memory_pool *pool;

	spin_lock(&map_memory_pools_lock);
	pool = __map_memory_pool_find(kvm);
	spin_unlock(&map_memory_pools_lock);

	return pool;
}

/*
 * Make @task leave an interruptible wait, and see signal_pending(), without a
 * signal that would have to be handled: what set_notify_signal() does, with
 * what is exported.  The wake-up may be a spurious one for a task that waits
 * for something else.
 */
static void map_memory_kick(struct task_struct *task)
{
	if (!test_and_set_tsk_thread_flag(task, TIF_NOTIFY_SIGNAL) &&
	    !wake_up_process(task))
		kick_process(task);
}

/*
 * The threads that work for @job return promptly.  A kick can hit no later job: a
 * helper clears the notification before it looks for work, and both happen
 * under pool->lock or after it.
 */
static void map_memory_cancel_job(struct map_memory_pool *pool,
				  struct map_memory_job *job, int reason)
{
	struct map_memory_helper *helper;

	lockdep_assert_held(&pool->lock);

	if (job->cancelled)
		return;

	WRITE_ONCE(job->cancelled, reason);

	if (job->owner != current)
		map_memory_kick(job->owner);
	list_for_each_entry(helper, &pool->helpers, node) {
		if (helper->job == job && helper->task != current)
			map_memory_kick(helper->task);
	}
}

/* All jobs of those who share the table of descriptors @files. */
void kvm_map_memory_pool_cancel_jobs(struct map_memory_pool *pool, fl_owner_t files,
				     int reason)
{
	struct map_memory_job *job;

	spin_lock(&pool->lock);
	list_for_each_entry(job, &pool->jobs, node) {
		if (job->files == files)
			map_memory_cancel_job(pool, job, reason);
	}
	spin_unlock(&pool->lock);
}

static bool map_memory_has_room(struct map_memory_job *job)
{
	return !job->cancelled && !kvm_map_memory_job_exhausted(job) &&
	       job->nr_helpers + 1 < job->max_workers;
}

static struct map_memory_job *map_memory_join(struct map_memory_helper *helper)
{
	struct map_memory_pool *pool = helper->pool;
	struct map_memory_job *job;

	spin_lock(&pool->lock);
	list_for_each_entry(job, &pool->jobs, node) {
		if (!helper->retired && !helper->starved &&
		    map_memory_has_room(job)) {
			job->nr_helpers++;
			helper->job = job;
			break;
		}
	}
	job = helper->job;
	spin_unlock(&pool->lock);

	return job;
}

static void map_memory_leave(struct map_memory_helper *helper,
			     const struct map_memory_share *share)
{
	struct map_memory_pool *pool = helper->pool;
	struct map_memory_job *job = helper->job;

	spin_lock(&pool->lock);

	/*
	 * A stop signal, the freezer: the owner has got it too, or will.  The
	 * thread must not wait here with a part of the job in hand.
	 */
	if (share->interrupted)
		map_memory_cancel_job(pool, job, -EINTR);

	kvm_map_memory_job_add_share(job, share);
	helper->job = NULL;

	/* Under the lock: the owner takes it before it frees the job. */
	if (!--job->nr_helpers)
		wake_up(&job->idle);
	spin_unlock(&pool->lock);
}

static bool map_memory_helper_fn(void *data)
{
	struct map_memory_helper *helper = data;
	struct map_memory_share share = {};
	struct map_memory_job *job;

	helper->task = current;

	job = map_memory_join(helper);
	if (!job)
		return false;

	__set_current_state(TASK_RUNNING);

	if (!helper->context)
		helper->context = kvm_arch_map_memory_create_context(job->kvm);

	if (IS_ERR(helper->context)) {
		/* The others do the work; this thread is of no use to this job. */
		helper->context = NULL;
		spin_lock(&helper->pool->lock);
		helper->starved = true;
		spin_unlock(&helper->pool->lock);
	} else {
		kvm_map_memory_job_work(job, helper->context, &share);
	}

	map_memory_leave(helper, &share);

	/* vhost_task handles signals, and clears kicks, before it calls again. */
	return true;
}

static void map_memory_free_context(struct map_memory_helper *helper)
{
	if (helper->context)
		kvm_arch_map_memory_destroy_context(helper->context);
	helper->context = NULL;
}

/*
 * SIGKILL or exec: the thread ends by itself.  It was in no job, for
 * map_memory_helper_fn() has returned, and its struct waits to be reaped.
 */
static void map_memory_helper_killed(void *data)
{
	struct map_memory_helper *helper = data;

	spin_lock(&helper->pool->lock);
	helper->retired = true;
	spin_unlock(&helper->pool->lock);

	map_memory_free_context(helper);
}

static int map_memory_add_helper(struct map_memory_pool *pool)
{
	struct map_memory_helper *helper;

	helper = kzalloc(sizeof(*helper), GFP_KERNEL_ACCOUNT);
	if (!helper)
		return -ENOMEM;

	helper->pool = pool;
	helper->vhost_task = kvm_map_memory_create_thread(map_memory_helper_fn,
							  map_memory_helper_killed,
							  helper, "kvm-map-memory");
	if (IS_ERR(helper->vhost_task)) {
		int r = PTR_ERR(helper->vhost_task);

		kfree(helper);
		return r;
	}

	spin_lock(&pool->lock);
	list_add(&helper->node, &pool->helpers);
	pool->nr_helpers++;
	spin_unlock(&pool->lock);
	vhost_task_start(helper->vhost_task);

	return 0;
}

/* Enough helpers for all jobs to run at the same time, within the bound. */
static unsigned int map_memory_helpers_wanted(struct map_memory_pool *pool)
{
	struct map_memory_job *job;
	unsigned int wanted = 0;

	spin_lock(&pool->lock);
	list_for_each_entry(job, &pool->jobs, node) {
		if (!job->cancelled && !kvm_map_memory_job_exhausted(job))
			wanted += job->max_workers - 1;
	}
	spin_unlock(&pool->lock);

	return min(wanted, KVM_MAP_MEMORY_MAX_WORKERS);
}

/*
 * Called by a thread of the VMM, whose affinity, priority and cgroups the new
 * threads take over.  When a limit of the VMM stops it, the jobs go on with
 * the threads that there are: at least their owners.
 */
void kvm_map_memory_pool_grow(struct map_memory_pool *pool)
{
	guard(mutex)(&pool->grow_mutex);

	while (READ_ONCE(pool->nr_helpers) < map_memory_helpers_wanted(pool)) {
		if (map_memory_add_helper(pool))
			break;
	}

	/* The jobs may have ended before the helpers were there. */
	mod_delayed_work(system_wq, &pool->retire_work, MAP_MEMORY_IDLE_TIME);
}

static void map_memory_wake_helpers(struct map_memory_pool *pool)
{
	struct map_memory_helper *helper;

	lockdep_assert_held(&pool->lock);

	list_for_each_entry(helper, &pool->helpers, node) {
		if (helper->job || helper->retired)
			continue;
		helper->starved = false;
		vhost_task_wake(helper->vhost_task);
	}
}

void kvm_map_memory_pool_add_job(struct map_memory_pool *pool,
				 struct map_memory_job *job)
{
	spin_lock(&pool->lock);
	list_add_tail(&job->node, &pool->jobs);
	if (job->max_workers > 1)
		map_memory_wake_helpers(pool);
	spin_unlock(&pool->lock);
}

/*
 * On return no helper knows the job any more.  @interrupted is what the job
 * ends with if io_uring or a signal interrupts the owner.
 */
void kvm_map_memory_pool_remove_job(struct map_memory_pool *pool,
				    struct map_memory_job *job,
				    const struct map_memory_share *share,
				    int interrupted)
{
	bool cancel = share->interrupted;

	/* A helper may be waiting for memory, which can take any time. */
	if (!cancel)
		cancel = wait_event_interruptible(job->idle,
						  !READ_ONCE(job->nr_helpers));

	spin_lock(&pool->lock);
	/* io_uring interrupts without a signal. */
	if (cancel)
		map_memory_cancel_job(pool, job, task_sigpending(current) ?
				      -EINTR : interrupted);
	kvm_map_memory_job_add_share(job, share);
	list_del_init(&job->node);
	spin_unlock(&pool->lock);

	/* From here on helpers only leave, and cancelled ones promptly. */
	wait_event(job->idle, !READ_ONCE(job->nr_helpers));

	/* Also waits for the last one to be out of its critical section. */
	spin_lock(&pool->lock);
	if (pool->nr_helpers)
		mod_delayed_work(system_wq, &pool->retire_work,
				 MAP_MEMORY_IDLE_TIME);
	spin_unlock(&pool->lock);
}

static void map_memory_stop_helpers(struct map_memory_pool *pool)
{
	struct map_memory_helper *helper, *next;
	LIST_HEAD(stopped);

	mutex_lock(&pool->grow_mutex);

	/* While there is a job its end will call again. */
	spin_lock(&pool->lock);
	if (list_empty(&pool->jobs)) {
		list_for_each_entry(helper, &pool->helpers, node)
			helper->retired = true;
		list_splice_init(&pool->helpers, &stopped);
		pool->nr_helpers = 0;
	}
	spin_unlock(&pool->lock);

	list_for_each_entry_safe(helper, next, &stopped, node) {
		vhost_task_stop(helper->vhost_task);
		map_memory_free_context(helper);
		kfree(helper);
	}

	mutex_unlock(&pool->grow_mutex);
}

static void map_memory_retire(struct work_struct *work)
{
	map_memory_stop_helpers(container_of(to_delayed_work(work),
					     struct map_memory_pool, retire_work));
}

/* The pool of @kvm, made if there is none.  Returns NULL without memory. */
struct map_memory_pool *kvm_map_memory_pool_get(struct kvm *kvm)
{
	struct map_memory_pool *pool, *new;

	pool = kvm_map_memory_pool_find(kvm);
	if (pool)
		return pool;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;

	new->kvm = kvm;
	mutex_init(&new->grow_mutex);
	spin_lock_init(&new->lock);
	INIT_LIST_HEAD(&new->jobs);
	INIT_LIST_HEAD(&new->helpers);
	INIT_DELAYED_WORK(&new->retire_work, map_memory_retire);

	spin_lock(&map_memory_pools_lock);
	pool = __map_memory_pool_find(kvm);
	if (!pool)
		hash_add(map_memory_pools, &new->node, (unsigned long)kvm);
	spin_unlock(&map_memory_pools_lock);

	if (!pool)
		return new;

	kfree(new);
	return pool;
}

/*
 * The VM has no user left, hence no job: a job's owner holds the VM's file.
 * Contexts hold references to roots and have to go before the MMU does.
 */
void kvm_map_memory_pool_destroy(struct kvm *kvm)
{
	struct map_memory_pool *pool;

	spin_lock(&map_memory_pools_lock);
	pool = __map_memory_pool_find(kvm);
	if (pool)
		hash_del(&pool->node);
	spin_unlock(&map_memory_pools_lock);

	if (!pool)
		return;

	cancel_delayed_work_sync(&pool->retire_work);
	map_memory_stop_helpers(pool);
	kfree(pool);
}
