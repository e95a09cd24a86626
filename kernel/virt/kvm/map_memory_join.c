// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY_JOIN: a thread of the VMM works for a job that another one owns.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>

#include "map_memory.h"

/* The job joined, or NULL if there is none that has room. */
static struct map_memory_job *map_memory_join_job(struct map_memory_pool *pool,
						  struct map_memory_worker *worker,
						  const void __user *ubatch)
{
	struct map_memory_job *job, *found = NULL;

	spin_lock(&pool->lock);
	list_for_each_entry(job, &pool->jobs, node) {
		if (job->ubatch == ubatch &&
		    (job->flags & KVM_MAP_MEMORY_OWN_THREADS) &&
		    kvm_map_memory_job_has_room(job)) {
			kvm_map_memory_worker_join(worker, job);
			found = job;
			break;
		}
	}
	spin_unlock(&pool->lock);

	return found;
}

/*
 * Work for the job whose batch is at @ubatch until no chunk is left.  The caller
 * runs in the VM's mm.
 */
int kvm_map_memory_join(struct kvm *kvm, const void __user *ubatch)
{
	struct map_memory_pool *pool = kvm_map_memory_pool_find(kvm);
	struct map_memory_worker worker = { .task = current };
	struct kvm_map_memory_context *context;
	struct map_memory_share share;
	struct map_memory_job *job;
	int r = 0;

	job = pool ? map_memory_join_job(pool, &worker, ubatch) : NULL;
	if (!job)
		return -ENOENT;

	kvm_map_memory_share_init(&share, job);
	context = kvm_arch_map_memory_create_context(kvm);
	if (IS_ERR(context)) {
		r = PTR_ERR(context);
	} else {
		kvm_map_memory_job_work(&share, context);
		kvm_arch_map_memory_destroy_context(context);
		/* A cancelled job's kick is no signal, and the job's own affair. */
		if (share.interrupted && !READ_ONCE(job->cancelled))
			r = -EINTR;
	}

	spin_lock(&pool->lock);
	kvm_map_memory_worker_leave(pool, &worker, &share);
	spin_unlock(&pool->lock);

	return r;
}
