// SPDX-License-Identifier: GPL-2.0
/*
 * The pool of a VM: its jobs, and who works for them.
 *
 * A thread that works for a job holds no lock, and the job cannot go away as
 * long as job->nr_workers counts the thread.
 */
#include <linux/hashtable.h>
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "map_memory.h"

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
 * The threads that work for @job return promptly.  A kick can hit no later job of
 * a helper: it clears the notification before it looks for work, and both happen
 * under pool->lock or after it.
 */
static void map_memory_cancel_job(struct map_memory_pool *pool,
				  struct map_memory_job *job, int reason)
{
	struct map_memory_worker *worker;

	lockdep_assert_held(&pool->lock);

	if (job->cancelled)
		return;

	WRITE_ONCE(job->cancelled, reason);

	if (job->owner != current)
		map_memory_kick(job->owner);
	list_for_each_entry(worker, &job->workers, node) {
		if (worker->task != current)
			map_memory_kick(worker->task);
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

/* Under pool->lock: whether one more thread would find something to do. */
bool kvm_map_memory_job_has_room(const struct map_memory_job *job)
{
	return !list_empty(&job->node) && !job->cancelled &&
	       !kvm_map_memory_job_exhausted(job) &&
	       max(job->nr_workers, job->nr_helpers) + 1 < job->max_workers;
}

/* Under pool->lock.  @worker->task is current. */
void kvm_map_memory_worker_join(struct map_memory_worker *worker,
				struct map_memory_job *job)
{
	list_add(&worker->node, &job->workers);
	job->nr_workers++;
}

/* Under pool->lock, after which the caller does not touch the job any more. */
void kvm_map_memory_worker_leave(struct map_memory_pool *pool,
				 struct map_memory_worker *worker,
				 const struct map_memory_share *share)
{
	struct map_memory_job *job = share->job;

	lockdep_assert_held(&pool->lock);

	/*
	 * A stop signal, the freezer: the owner has got it too, or will.  The
	 * thread must not wait with a part of the job in hand.
	 */
	if (share->interrupted)
		map_memory_cancel_job(pool, job, -EINTR);

	job->workers_used += !!share->nr_chunks;
	list_del(&worker->node);

	/* Under the lock: the owner takes it before it frees the job. */
	if (!--job->nr_workers)
		wake_up(&job->idle);
}

void kvm_map_memory_pool_add_job(struct map_memory_pool *pool,
				 struct map_memory_job *job)
{
	spin_lock(&pool->lock);
	list_add_tail(&job->node, &pool->jobs);
	if (job->max_workers > 1)
		kvm_map_memory_helpers_lend(pool, job);
	spin_unlock(&pool->lock);
}

/*
 * On return no worker knows the job any more.  @interrupted is what the job
 * ends with if io_uring or a signal interrupts the owner.
 */
void kvm_map_memory_pool_remove_job(struct map_memory_pool *pool,
				    const struct map_memory_share *share,
				    int interrupted)
{
	struct map_memory_job *job = share->job;
	bool cancel = share->interrupted;

	/* A worker may be waiting for memory, which can take any time. */
	if (!cancel)
		cancel = wait_event_interruptible(job->idle,
						  !READ_ONCE(job->nr_workers));

	spin_lock(&pool->lock);
	/* io_uring interrupts without a signal. */
	if (cancel)
		map_memory_cancel_job(pool, job, task_sigpending(current) ?
				      -EINTR : interrupted);
	job->workers_used += !!share->nr_chunks;
	list_del_init(&job->node);
	/* Those that have not begun yet may be held: nobody waits for them. */
	kvm_map_memory_helpers_detach(pool, job);
	spin_unlock(&pool->lock);

	/* From here on workers only leave, and cancelled ones promptly. */
	wait_event(job->idle, !READ_ONCE(job->nr_workers));

	/* Also waits for the last one to be out of its critical section. */
	spin_lock(&pool->lock);
	spin_unlock(&pool->lock);
}

static void map_memory_free_spare(struct map_memory_spare *spare)
{
	if (!spare)
		return;

	kvm_arch_map_memory_destroy_context(spare->context);
	kfree(spare);
}

/* For the caller alone, until it gives it back; with a context.  NULL without memory. */
struct map_memory_spare *kvm_map_memory_pool_take_spare(struct map_memory_pool *pool)
{
	struct map_memory_spare *spare;

	spin_lock(&pool->lock);
	spare = pool->spare;
	pool->spare = NULL;
	spin_unlock(&pool->lock);

	if (spare && kvm_arch_map_memory_context_fits(spare->context))
		return spare;

	map_memory_free_spare(spare);
	spare = kzalloc_obj(*spare, GFP_KERNEL_ACCOUNT);
	if (!spare)
		return NULL;

	spare->context = kvm_arch_map_memory_create_context(pool->kvm);
	if (!IS_ERR(spare->context))
		return spare;

	kfree(spare);
	return NULL;
}

/*
 * Keep @spare in place of the one that there is; NULL: keep none.  The caller has a
 * reference to the VM, or ends it.
 */
void kvm_map_memory_pool_set_spare(struct map_memory_pool *pool,
				   struct map_memory_spare *spare)
{
	spin_lock(&pool->lock);
	swap(pool->spare, spare);
	spin_unlock(&pool->lock);

	map_memory_free_spare(spare);
}

/* The pool of @kvm, made if there is none.  Returns NULL without memory. */
struct map_memory_pool *kvm_map_memory_pool_get(struct kvm *kvm)
{
	struct map_memory_pool *pool, *new;

	pool = kvm_map_memory_pool_find(kvm);
	if (pool)
		return pool;

	new = kzalloc_obj(*new, GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;

	new->kvm = kvm;
	refcount_set(&new->users, 1);
	spin_lock_init(&new->lock);
	INIT_LIST_HEAD(&new->jobs);
	INIT_LIST_HEAD(&new->idle);
	INIT_LIST_HEAD(&new->running);

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

void kvm_map_memory_pool_put(struct map_memory_pool *pool)
{
	if (refcount_dec_and_test(&pool->users))
		kfree(pool);
}

/*
 * The VM has no user left, hence no job: a job's owner holds the VM's file.
 * Contexts hold references to roots and have to go before the MMU does.  Threads
 * need not: those that are left have nothing of the VM, and may be held for any
 * time.
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

	kvm_map_memory_helpers_end_idle(pool, false);
	kvm_map_memory_pool_set_spare(pool, NULL);
	/* Helpers that are still there count for no VM. */
	spin_lock(&pool->lock);
	pool->kvm = NULL;
	spin_unlock(&pool->lock);
	kvm_map_memory_pool_put(pool);
}
