// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: a batch, from the user's vector to the results in it.
 *
 * Arguments are checked as a whole before anything is done, and the thread that
 * called writes back what is left to do, whatever the result is.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <trace/events/kvm_map_memory.h>

#include "map_memory.h"

/* @limit is kvm_arch_map_memory_end(). */
int kvm_map_memory_check_mapping(const struct kvm_memory_mapping *mapping, u64 limit)
{
	u64 end = mapping->base_address + mapping->size;

	if (mapping->flags & ~KVM_MEMORY_MAPPING_FLAGS_ALL)
		return -EINVAL;

	if (!PAGE_ALIGNED(mapping->base_address | mapping->size))
		return -EINVAL;

	if (end < mapping->base_address || end > limit)
		return -EINVAL;

	return 0;
}

int kvm_map_memory_check_batch(const struct kvm_map_memory_batch *batch)
{
	if (batch->flags & ~KVM_MAP_MEMORY_BATCH_FLAGS_ALL ||
	    (batch->flags & KVM_MAP_MEMORY_OWN_THREADS &&
	     batch->flags != KVM_MAP_MEMORY_OWN_THREADS) ||
	    memchr_inv(batch->reserved, 0, sizeof(batch->reserved)))
		return -EINVAL;

	if (!batch->nr_mappings)
		return -EINVAL;

	if (!IS_ALIGNED(batch->progress, sizeof(u64)))
		return -EINVAL;

	if (batch->nr_workers > KVM_MAP_MEMORY_MAX_WORKERS)
		return -EINVAL;

	if (batch->nr_mappings > KVM_MAP_MEMORY_MAX_MAPPINGS)
		return -E2BIG;

	return 0;
}

/* The vector of @batch, checked.  The caller frees it with kvfree(). */
static struct kvm_memory_mapping *
map_memory_copy_mappings(const struct kvm_map_memory_batch *batch)
{
	size_t size = array_size(batch->nr_mappings, sizeof(struct kvm_memory_mapping));
	u64 limit = kvm_arch_map_memory_end();
	struct kvm_memory_mapping *mappings;
	bool undone = false;
	unsigned int i;
	int r = 0;

	mappings = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!mappings)
		return ERR_PTR(-ENOMEM);

	if (copy_from_user(mappings, u64_to_user_ptr(batch->mappings), size))
		r = -EFAULT;

	for (i = 0; !r && i < batch->nr_mappings; i++) {
		r = kvm_map_memory_check_mapping(&mappings[i], limit);
		undone |= mappings[i].size;
	}

	/* Reject a batch with nothing left to do. */
	if (!r && !undone)
		r = -EINVAL;
	if (!r)
		return mappings;

	kvfree(mappings);
	return ERR_PTR(r);
}

static unsigned int map_memory_max_workers(const struct map_memory_job *job,
					   const struct kvm_map_memory_batch *batch,
					   const struct map_memory_caller *caller)
{
	unsigned int workers = batch->nr_workers;

	/* The VMM's own threads come as it likes. */
	if (!workers && (batch->flags & KVM_MAP_MEMORY_OWN_THREADS))
		workers = KVM_MAP_MEMORY_MAX_WORKERS;
	if (!workers)
		workers = min(READ_ONCE(caller->vmm_thread->nr_cpus_allowed),
			      KVM_MAP_MEMORY_MAX_WORKERS);

	return min_t(u64, workers, job->nr_chunks);
}

/* Map all of @job, with those that come to help. */
static void map_memory_share_job(struct map_memory_job *job,
				 const struct map_memory_caller *caller,
				 struct kvm_map_memory_context *context)
{
	struct map_memory_pool *pool = job->pool;
	struct map_memory_share share;

	kvm_map_memory_pool_add_job(pool, job);

	/* One; that makes the next ones. */
	if (job->max_workers > 1 && !(job->flags & KVM_MAP_MEMORY_OWN_THREADS)) {
		if (caller->vmm_thread == current)
			kvm_map_memory_helper_make(pool, job);
		else
			kvm_map_memory_make_from(caller->vmm_thread,
						 caller->vm_file, job);
	}

	kvm_map_memory_share_init(&share, job);
	kvm_map_memory_job_work(&share, context);
	kvm_map_memory_pool_remove_job(pool, &share, caller->interrupted);
	kvm_map_memory_helpers_wait_gone(job);
}

static int map_memory_do_job(struct map_memory_job *job,
			     const struct map_memory_caller *caller)
{
	struct kvm_map_memory_context *context;
	int policy = SCHED_IDLE;

	context = kvm_arch_map_memory_create_context(job->kvm);
	if (IS_ERR(context))
		return PTR_ERR(context);

	if (job->flags & KVM_MAP_MEMORY_BACKGROUND)
		policy = kvm_map_memory_background();
	map_memory_share_job(job, caller, context);
	kvm_map_memory_foreground(policy);

	kvm_arch_map_memory_destroy_context(context);
	return 0;
}

/* Flags are not written: they are the caller's. */
static int map_memory_write_some(const struct map_memory_job *job,
				 struct kvm_memory_mapping __user *umappings,
				 unsigned int first, unsigned int nr)
{
	const struct kvm_memory_mapping *mapping;
	unsigned int i;
	gpa_t stop;

	if (!user_write_access_begin(umappings + first, nr * sizeof(*umappings)))
		return -EFAULT;

	for (i = first; i < first + nr; i++) {
		mapping = &job->mappings[i];
		stop = job->ranges[i].stop;
		unsafe_put_user(stop, &umappings[i].base_address, fault);
		unsafe_put_user(mapping->base_address + mapping->size - stop,
				&umappings[i].size, fault);
	}

	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

static int map_memory_write_mappings(const struct map_memory_job *job,
				     struct kvm_memory_mapping __user *umappings)
{
	unsigned int i, nr;

	for (i = 0; i < job->nr_ranges; i += nr) {
		/* User access must not be scheduled away. */
		nr = min(job->nr_ranges - i, MAP_MEMORY_RESCHED_RANGES);
		if (map_memory_write_some(job, umappings, i, nr))
			return -EFAULT;
		cond_resched();
	}

	return 0;
}

static int map_memory_write_results(const struct map_memory_job *job,
				    struct kvm_map_memory_batch *batch,
				    struct kvm_map_memory_batch __user *ubatch,
				    unsigned int first_undone)
{
	const size_t first = offsetof(struct kvm_map_memory_batch, bytes_mapped);
	const struct kvm_map_memory_count count = kvm_map_memory_job_count(job);

	batch->bytes_mapped = count.mapped;
	batch->bytes_present = count.present;
	batch->bytes_skipped = count.skipped;
	batch->workers_used = job->workers_used;
	batch->first_undone = first_undone;

	if (copy_to_user(&ubatch->bytes_mapped, &batch->bytes_mapped,
			 offsetof(struct kvm_map_memory_batch, progress) - first))
		return -EFAULT;

	return map_memory_write_mappings(job, u64_to_user_ptr(batch->mappings));
}

/* From the submission to the results that the user gets. */
static int map_memory_process_job(struct map_memory_job *job,
				  struct kvm_map_memory_batch *batch,
				  struct kvm_map_memory_batch __user *ubatch,
				  const struct map_memory_caller *caller)
{
	struct kvm_map_memory_count count;
	unsigned int first_undone;
	int r;

	trace_kvm_map_memory_submit(job->id, job->kvm->userspace_pid, job->total,
				    job->nr_ranges, job->max_workers, job->flags);
	kvm_map_memory_stats_begin(job);

	r = map_memory_do_job(job, caller);
	if (!r) {
		kvm_map_memory_progress_end(job);
		r = kvm_map_memory_job_result(job, &first_undone);
		if (map_memory_write_results(job, batch, ubatch, first_undone))
			r = -EFAULT;
	}

	kvm_map_memory_stats_end(job, r);
	count = kvm_map_memory_job_count(job);
	trace_kvm_map_memory_done(job->id, r, count.mapped, count.present,
				  count.skipped, job->workers_used);
	return r;
}

static int map_memory_do_batch(struct kvm *kvm,
			       struct kvm_map_memory_batch *batch,
			       struct kvm_map_memory_batch __user *ubatch,
			       const struct kvm_memory_mapping *mappings,
			       const struct map_memory_caller *caller)
{
	struct map_memory_pool *pool = kvm_map_memory_pool_get(kvm);
	struct map_memory_job *job;
	int r;

	job = kvm_map_memory_job_create(kvm, mappings, batch->nr_mappings);
	if (!pool || !job) {
		r = -ENOMEM;
		goto free_job;
	}
	job->pool = pool;
	job->flags = batch->flags;
	job->helpers_limited = batch->flags & KVM_MAP_MEMORY_OWN_THREADS;
	job->ubatch = ubatch;
	job->rights = caller->rights;
	job->max_workers = map_memory_max_workers(job, batch, caller);

	r = kvm_map_memory_progress_begin(job, u64_to_user_ptr(batch->progress),
					  caller->interrupted);
	if (!r)
		r = map_memory_process_job(job, batch, ubatch, caller);

free_job:
	kvm_map_memory_job_free(job);
	return r;
}

int kvm_map_memory_batch(struct kvm *kvm,
			 struct kvm_map_memory_batch __user *ubatch,
			 const struct map_memory_caller *caller)
{
	struct kvm_memory_mapping *mappings;
	struct kvm_map_memory_batch batch;
	int r;

	if (copy_from_user(&batch, ubatch, sizeof(batch)))
		return -EFAULT;

	r = kvm_map_memory_check_batch(&batch);
	if (r)
		return r;

	mappings = map_memory_copy_mappings(&batch);
	if (IS_ERR(mappings))
		return PTR_ERR(mappings);

	/* Do nothing rather than something that cannot be reported. */
	r = -EFAULT;
	if (fault_in_safe_writeable((char __user *)ubatch, sizeof(batch)) ||
	    fault_in_safe_writeable(u64_to_user_ptr(batch.mappings),
				    batch.nr_mappings * sizeof(*mappings)))
		goto free_mappings;

	r = -EOPNOTSUPP;
	if (!kvm_arch_map_memory_supported(kvm))
		goto free_mappings;

	r = map_memory_do_batch(kvm, &batch, ubatch, mappings, caller);

free_mappings:
	kvfree(mappings);
	return r;
}
