// SPDX-License-Identifier: GPL-2.0
/*
 * A helper: a thread that exists to map, from its making to its end.
 *
 * Helpers are vhost_tasks: threads of the VMM's process, under its cgroups,
 * CPU affinity, priority and limits, which can be stopped, frozen and traced as
 * all of its threads.  So nobody waits for a helper unless it is at work:
 *
 *   NEW      made or woken for a job, may be held before it begins
 *   WORKING  in map_memory_helper_fn(), where nothing holds it
 *   IDLE     in pool->idle, with a context, for the next job
 *   ENDING   has nothing of the VM or a job, and ends by itself
 *   UNABLE   the same, but cannot end yet
 *   ABSENT   could not be made
 *
 * map_memory_reap.c waits for helpers to be gone, and frees what they leave.
 */
#include <linux/jiffies.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>

#include <trace/events/kvm_map_memory.h>

#include "map_memory.h"
#include "map_memory_helper.h"

/* How long a helper stays with KVM_MAP_MEMORY_KEEP_HELPERS. */
#define MAP_MEMORY_IDLE_TIME	HZ
/* How long a thread that cannot end yet waits before it tries again. */
#define MAP_MEMORY_END_AGAIN	(HZ / 10)
/* Made by each helper, so that many are there soon and nobody makes all. */
#define MAP_MEMORY_CHILDREN	2

static void map_memory_helper_began(struct map_memory_helper *helper)
{
	lockdep_assert_held(&helper->pool->lock);

	if (!helper->task)
		helper->task = get_task_struct(current);
}

/*
 * Of a helper that is not at work under pool->lock, without which the VM could go
 * away under the context; of one that is by itself, as long as the job keeps the VM.
 */
static void map_memory_free_context(struct map_memory_helper *helper)
{
	if (helper->context)
		kvm_arch_map_memory_destroy_context(helper->context);
	helper->context = NULL;
}

/* Under pool->lock: a helper of a job becomes idle. */
static void map_memory_keep(struct map_memory_helper *helper)
{
	helper->state = MAP_MEMORY_HELPER_IDLE;
	helper->idle_until = jiffies + MAP_MEMORY_IDLE_TIME;
	list_move(&helper->node, &helper->pool->idle);
	/* The job's reference. */
	refcount_dec(&helper->users);
}

/* Under pool->lock. */
static void map_memory_end_idle(struct map_memory_helper *helper)
{
	list_del_init(&helper->node);
	helper->state = MAP_MEMORY_HELPER_ENDING;
	map_memory_free_context(helper);
}

/*
 * The thread ends: by map_memory_helper_end(), SIGKILL or exec.  It was not at
 * work, for map_memory_helper_fn() has returned.
 */
static void map_memory_helper_killed(void *data)
{
	struct map_memory_helper *helper = data;
	struct map_memory_pool *pool = helper->pool;

	spin_lock(&pool->lock);
	map_memory_helper_began(helper);
	if (helper->state == MAP_MEMORY_HELPER_IDLE)
		list_del_init(&helper->node);
	map_memory_free_context(helper);
	helper->state = MAP_MEMORY_HELPER_ENDING;
	kvm_map_memory_stats_add_helpers(pool, -1);
	spin_unlock(&pool->lock);

	kvm_map_memory_reap_later(helper);
}

/* The thread has nothing to do any more.  Returns what vhost_task expects. */
static bool map_memory_helper_end(struct map_memory_helper *helper)
{
	bool ends = kvm_map_memory_end_thread();

	spin_lock(&helper->pool->lock);
	helper->state = ends ? MAP_MEMORY_HELPER_ENDING : MAP_MEMORY_HELPER_UNABLE;
	spin_unlock(&helper->pool->lock);

	if (!ends)
		schedule_timeout_interruptible(MAP_MEMORY_END_AGAIN);

	return true;
}

/* Wait for the next job, in the state that vhost_task has set: interruptible. */
static bool map_memory_helper_rest(struct map_memory_helper *helper)
{
	struct map_memory_pool *pool = helper->pool;
	long left = 0;

	spin_lock(&pool->lock);
	if (helper->state == MAP_MEMORY_HELPER_IDLE) {
		left = helper->idle_until - jiffies;
		if (left <= 0)
			map_memory_end_idle(helper);
	}
	spin_unlock(&pool->lock);

	if (left > 0) {
		schedule_timeout(left);
		return true;
	}

	__set_current_state(TASK_RUNNING);
	return map_memory_helper_end(helper);
}

/* The job that the helper is for, if that has not ended. */
static struct map_memory_job *map_memory_helper_begin(struct map_memory_helper *helper)
{
	struct map_memory_pool *pool = helper->pool;
	struct map_memory_job *job;

	spin_lock(&pool->lock);
	map_memory_helper_began(helper);
	job = helper->job;
	if (job) {
		helper->state = MAP_MEMORY_HELPER_WORKING;
		helper->worker.task = current;
		kvm_map_memory_worker_join(&helper->worker, job);
	}
	spin_unlock(&pool->lock);

	return job;
}

static void map_memory_helper_leave(struct map_memory_helper *helper, bool keep,
				    const struct map_memory_share *share)
{
	struct map_memory_pool *pool = helper->pool;

	spin_lock(&pool->lock);
	helper->job = NULL;
	helper->state = MAP_MEMORY_HELPER_ENDING;
	if (keep)
		map_memory_keep(helper);
	kvm_map_memory_worker_leave(pool, &helper->worker, share);
	spin_unlock(&pool->lock);
}

/* A kept one that is in the background stays there: only such jobs get it. */
static void map_memory_helper_set_policy(struct map_memory_helper *helper,
					 const struct map_memory_job *job)
{
	if (!(job->flags & KVM_MAP_MEMORY_BACKGROUND))
		return;

	helper->background = true;
	kvm_map_memory_background();
}

static void map_memory_helper_work(struct map_memory_helper *helper,
				   struct map_memory_job *job)
{
	struct map_memory_share share;
	unsigned int i;
	bool keep;

	kvm_map_memory_share_init(&share, job);
	map_memory_helper_set_policy(helper, job);
	trace_kvm_map_memory_helper_begin(job->id);

	for (i = 0; i < MAP_MEMORY_CHILDREN; i++) {
		if (!kvm_map_memory_helper_make(helper->pool, job))
			break;
	}

	if (!helper->context)
		helper->context = kvm_arch_map_memory_create_context(job->kvm);

	/* Without memory for a context the others do the work. */
	if (IS_ERR(helper->context))
		helper->context = NULL;
	else
		kvm_map_memory_job_work(&share, helper->context);

	keep = helper->context && (job->flags & KVM_MAP_MEMORY_KEEP_HELPERS) &&
	       !share.interrupted;
	if (!keep)
		map_memory_free_context(helper);

	trace_kvm_map_memory_helper_end(job->id, share.nr_chunks, keep);
	map_memory_helper_leave(helper, keep, &share);
}

/* vhost_task handles signals, and clears kicks, before it calls again. */
static bool map_memory_helper_fn(void *data)
{
	struct map_memory_helper *helper = data;
	struct map_memory_job *job = map_memory_helper_begin(helper);

	if (!job)
		return map_memory_helper_rest(helper);

	__set_current_state(TASK_RUNNING);
	map_memory_helper_work(helper, job);

	return true;
}

/* Under pool->lock.  @job may have ended, and is not touched if it has. */
static bool map_memory_job_listed(struct map_memory_pool *pool,
				  const struct map_memory_job *job)
{
	struct map_memory_job *listed;

	list_for_each_entry(listed, &pool->jobs, node) {
		if (listed == job)
			return true;
	}

	return false;
}

static bool map_memory_claim(struct map_memory_pool *pool, struct map_memory_job *job,
			     struct map_memory_helper *helper)
{
	bool claimed;

	spin_lock(&pool->lock);
	claimed = map_memory_job_listed(pool, job) &&
		  kvm_map_memory_job_has_room(job) && !job->helpers_limited &&
		  pool->nr_helpers < KVM_MAP_MEMORY_MAX_WORKERS;
	if (claimed) {
		helper->job = job;
		list_add(&helper->node, &job->helpers);
		job->nr_helpers++;
		kvm_map_memory_stats_add_helpers(pool, 1);
	}
	spin_unlock(&pool->lock);

	return claimed;
}

static void map_memory_unclaim(struct map_memory_helper *helper)
{
	struct map_memory_pool *pool = helper->pool;

	spin_lock(&pool->lock);
	helper->state = MAP_MEMORY_HELPER_ABSENT;
	if (helper->job) {
		helper->job->helpers_limited = true;
		helper->job->nr_helpers--;
		helper->job = NULL;
	}
	kvm_map_memory_stats_add_helpers(pool, -1);
	spin_unlock(&pool->lock);
}

static struct map_memory_helper *map_memory_helper_alloc(struct map_memory_pool *pool)
{
	struct map_memory_helper *helper;

	helper = kzalloc_obj(*helper, GFP_KERNEL_ACCOUNT);
	if (!helper)
		return NULL;

	refcount_inc(&pool->users);
	helper->pool = pool;
	refcount_set(&helper->users, 2);
	return helper;
}

/*
 * Make a thread for @job, if it has room, and has not ended.
 * The thread inherits affinity, priority and cgroups from the one that makes it.
 * When a limit of the VMM stops that, the job goes on with the threads that there
 * are: at least its owner.  False: it makes no sense to try again.
 */
bool kvm_map_memory_helper_make(struct map_memory_pool *pool, struct map_memory_job *job)
{
	struct map_memory_helper *helper;

	helper = map_memory_helper_alloc(pool);
	if (!helper)
		return false;

	if (!map_memory_claim(pool, job, helper)) {
		refcount_dec(&helper->users);
		kvm_map_memory_helper_put(helper);
		return false;
	}

	/* Until the thread is reaped, the caller's VM holds the module as well. */
	__module_get(THIS_MODULE);
	helper->vhost_task = vhost_task_create(map_memory_helper_fn,
					       map_memory_helper_killed, helper,
					       "kvm-map-memory");
	if (IS_ERR(helper->vhost_task)) {
		map_memory_unclaim(helper);
		kvm_map_memory_helper_put(helper);
		module_put(THIS_MODULE);
		return false;
	}

	vhost_task_start(helper->vhost_task);
	return true;
}

/* Under pool->lock: give @job the idle helpers of its process. */
void kvm_map_memory_helpers_lend(struct map_memory_pool *pool, struct map_memory_job *job)
{
	struct map_memory_helper *helper, *next;

	if (job->helpers_limited)
		return;

	list_for_each_entry_safe(helper, next, &pool->idle, node) {
		if (!kvm_map_memory_job_has_room(job))
			return;
		if (!same_thread_group(helper->task, job->owner) ||
		    helper->background != !!(job->flags & KVM_MAP_MEMORY_BACKGROUND) ||
		    kvm_map_memory_task_held(helper->task))
			continue;

		refcount_inc(&helper->users);
		list_move(&helper->node, &job->helpers);
		job->nr_helpers++;
		helper->job = job;
		helper->state = MAP_MEMORY_HELPER_NEW;
		vhost_task_wake(helper->vhost_task);
	}
}

/*
 * Under pool->lock: helpers that have not begun find no job, and go back to be idle
 * if helpers are to be kept, else end.
 */
void kvm_map_memory_helpers_detach(struct map_memory_pool *pool,
				   struct map_memory_job *job)
{
	struct map_memory_helper *helper, *next;

	list_for_each_entry_safe(helper, next, &job->helpers, node) {
		if (!helper->job || helper->state != MAP_MEMORY_HELPER_NEW)
			continue;

		helper->job = NULL;
		/* One that was lent: it was idle before. */
		if (helper->task && (job->flags & KVM_MAP_MEMORY_KEEP_HELPERS))
			map_memory_keep(helper);
		else
			map_memory_free_context(helper);
	}
}

/*
 * Let all idle helpers of the VM end, and with @wait, wait until they are gone.
 * Without it this is the end of the VM, which may be in any process.
 */
void kvm_map_memory_helpers_end_idle(struct map_memory_pool *pool, bool wait)
{
	struct map_memory_helper *helper, *next;
	LIST_HEAD(ending);

	spin_lock(&pool->lock);
	list_for_each_entry_safe(helper, next, &pool->idle, node) {
		map_memory_end_idle(helper);
		refcount_inc(&helper->users);
		list_add(&helper->node, &ending);
		vhost_task_wake(helper->vhost_task);
	}
	spin_unlock(&pool->lock);

	kvm_map_memory_wait_gone(&ending, wait);
}
