// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: what userspace calls.
 *
 * Arguments are checked as a whole before anything is done, and what is left
 * to do is written back by the thread that called, whatever the result is.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/kvm_map_memory_compat.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "map_memory.h"

#define KVM_MAP_MEMORY_FEATURES						\
	(KVM_MAP_MEMORY_FEATURE_VCPU | KVM_MAP_MEMORY_FEATURE_BATCH |	\
	 KVM_MAP_MEMORY_FEATURE_URING | KVM_MAP_MEMORY_FEATURE_READ |	\
	 KVM_MAP_MEMORY_FEATURE_RESIDENT)

/* On whose behalf a batch runs. */
struct map_memory_caller {
	struct file *vm_file;
	/* The thread that makes helpers: current, or one that is asked to. */
	struct task_struct *vmm_thread;
	/* What a cancelled batch returns. */
	int interrupted;
};

int kvm_map_memory_features(struct kvm *kvm)
{
	return kvm_arch_map_memory_supported(kvm) ? KVM_MAP_MEMORY_FEATURES : 0;
}

/* @limit is kvm_arch_map_memory_end(). */
static int map_memory_check_mapping(const struct kvm_memory_mapping *mapping, u64 limit)
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

static int map_memory_vcpu(struct kvm_vcpu *vcpu, struct kvm_memory_mapping *mapping)
{
	struct kvm_map_memory_walk walk = {
		.mapping = mapping,
		.gpa = mapping->base_address,
		.end = mapping->base_address + mapping->size,
	};
	int r;

	vcpu_load(vcpu);

	if (kvm_arch_map_memory_supported(vcpu->kvm) &&
	    kvm_arch_map_memory_vcpu_canonical(vcpu))
		r = map_memory_run(vcpu, &walk, NULL);
	else
		r = -EOPNOTSUPP;

	vcpu_put(vcpu);

	mapping->base_address = walk.gpa;
	mapping->size = walk.end - walk.gpa;
	return r;
}

/* KVM_MAP_MEMORY on a vCPU.  Called with vcpu->mutex held. */
int kvm_map_memory_vcpu_ioctl(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_memory_mapping mapping;
	int r;

	if (copy_from_user(&mapping, argp, sizeof(mapping)))
		return -EFAULT;

	r = map_memory_check_mapping(&mapping, kvm_arch_map_memory_end());
	if (r)
		return r;
	if (!mapping.size)
		return -EINVAL;

	/* Do nothing rather than something that cannot be reported. */
	if (copy_to_user(argp, &mapping, sizeof(mapping)))
		return -EFAULT;

	r = map_memory_vcpu(vcpu, &mapping);

	if (copy_to_user(argp, &mapping, sizeof(mapping)))
		return -EFAULT;

	return r;
}

static int map_memory_check_batch(const struct kvm_map_memory_batch *batch)
{
	if (batch->flags || memchr_inv(batch->reserved, 0, sizeof(batch->reserved)))
		return -EINVAL;

	if (!batch->nr_mappings)
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
		r = map_memory_check_mapping(&mappings[i], limit);
		undone |= mappings[i].size;
	}

	/* Some are done if the batch is handed in again, but why if all are? */
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

	if (!workers)
		workers = min(READ_ONCE(caller->vmm_thread->nr_cpus_allowed),
			      KVM_MAP_MEMORY_MAX_WORKERS);

	return min_t(u64, workers, job->nr_chunks);
}

static int map_memory_run_job(struct map_memory_pool *pool,
			      struct map_memory_job *job,
			      const struct map_memory_caller *caller)
{
	struct map_memory_share share = {};
	struct kvm_vcpu *context;

	context = kvm_arch_map_memory_create_context(job->kvm);
	if (IS_ERR(context))
		return PTR_ERR(context);

	map_memory_pool_add_job(pool, job);

	if (job->max_workers > 1) {
		if (caller->vmm_thread == current)
			map_memory_pool_grow(pool);
		else
			map_memory_grow_from(caller->vmm_thread, caller->vm_file);
	}

	map_memory_job_work(job, context, &share);
	map_memory_pool_remove_job(pool, job, &share, caller->interrupted);

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

	batch->bytes_mapped = job->count.mapped;
	batch->bytes_present = job->count.present;
	batch->bytes_skipped = job->count.skipped;
	batch->workers_used = job->workers_used;
	batch->first_undone = first_undone;

	if (copy_to_user(&ubatch->bytes_mapped, &batch->bytes_mapped,
			 offsetof(struct kvm_map_memory_batch, reserved) - first))
		return -EFAULT;

	return map_memory_write_mappings(job, u64_to_user_ptr(batch->mappings));
}

static int map_memory_do_batch(struct kvm *kvm,
			       struct kvm_map_memory_batch *batch,
			       struct kvm_map_memory_batch __user *ubatch,
			       const struct kvm_memory_mapping *mappings,
			       const struct map_memory_caller *caller)
{
	struct map_memory_pool *pool = map_memory_pool_get(kvm);
	struct map_memory_job *job;
	unsigned int first_undone;
	int r;

	job = map_memory_job_create(kvm, mappings, batch->nr_mappings);
	if (!pool || !job) {
		r = -ENOMEM;
		goto free_job;
	}
	job->max_workers = map_memory_max_workers(job, batch, caller);

	r = map_memory_run_job(pool, job, caller);
	if (r)
		goto free_job;

	r = map_memory_job_result(job, &first_undone);
	if (map_memory_write_results(job, batch, ubatch, first_undone))
		r = -EFAULT;

free_job:
	map_memory_job_free(job);
	return r;
}

static int map_memory_batch(struct kvm *kvm,
			    struct kvm_map_memory_batch __user *ubatch,
			    const struct map_memory_caller *caller)
{
	struct kvm_memory_mapping *mappings;
	struct kvm_map_memory_batch batch;
	int r;

	if (copy_from_user(&batch, ubatch, sizeof(batch)))
		return -EFAULT;

	r = map_memory_check_batch(&batch);
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

/* KVM_MAP_MEMORY_BATCH by ioctl.  The caller runs in the VM's mm. */
int kvm_map_memory_vm_ioctl(struct kvm *kvm, void __user *argp)
{
	struct map_memory_caller caller = {
		.vmm_thread = current,
		.interrupted = -EINTR,
	};

	return map_memory_batch(kvm, argp, &caller);
}

/*
 * KVM_MAP_MEMORY_BATCH by io_uring.
 *
 * All of it runs in an io-wq thread: a thread of the submitter's process,
 * which may sleep, can touch user memory, and is what io_uring interrupts for
 * IORING_OP_ASYNC_CANCEL, for the end of the ring and for that of the
 * submitter.  The request, and with it the VM's file, lives until this
 * returns.
 */
int kvm_map_memory_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct kvm *kvm = cmd->file->private_data;
	struct map_memory_caller caller = {
		.vm_file = cmd->file,
		.interrupted = -ECANCELED,
	};
	struct kvm_map_memory_cmd args;
	int r;

	if (issue_flags & IO_URING_F_NONBLOCK) {
		kvm_map_memory_uring_keep_sqe(cmd, issue_flags);
		return -EAGAIN;
	}

	if (kvm->mm != current->mm || kvm->vm_dead)
		return -EIO;

	if (cmd->cmd_op != KVM_MAP_MEMORY_BATCH)
		return -EOPNOTSUPP;

	/*
	 * A copy of the SQE, but for one that was linked to a request which ran
	 * in the same io-wq thread: that is still in the ring.  Read it once.
	 */
	memcpy(&args, kvm_map_memory_uring_args(cmd), sizeof(args));
	if (args.reserved || kvm_map_memory_uring_unused(cmd))
		return -EINVAL;

	caller.vmm_thread = map_memory_vmm_thread(kvm_map_memory_uring_task(cmd));
	if (!caller.vmm_thread)
		return -ECANCELED;

	r = map_memory_batch(kvm, u64_to_user_ptr(args.batch), &caller);

	put_task_struct(caller.vmm_thread);
	return r;
}

/*
 * The VMM closes a descriptor of the VM: it is done with it.  A running batch
 * holds the file, so that without this the VM would live on until the last
 * page is mapped.
 *
 * What has inherited the descriptor closes one of its own: not only a child by
 * fork(), but also one by vfork(), which shares the VMM's mm until it executes
 * something else, and closes what it does not want to pass on.
 */
int kvm_map_memory_flush(struct file *file, fl_owner_t id)
{
	struct kvm *kvm = file->private_data;
	struct map_memory_pool *pool;

	pool = map_memory_pool_find(kvm);
	if (pool)
		map_memory_pool_cancel_jobs(pool, id, -ECANCELED);

	return 0;
}

void kvm_map_memory_destroy_vm(struct kvm *kvm)
{
	map_memory_pool_destroy(kvm);
}
