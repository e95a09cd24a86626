/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY, generic part, private to virt/kvm/map_memory*.c.
 *
 * A call becomes a job (map_memory_job.c), whose owner is the thread that
 * called: a thread of the VMM for the ioctl, an io-wq thread for the io_uring
 * command.  The owner maps; helper threads of the VM's pool
 * (map_memory_pool.c) join it.  The owner leaves only when all helpers have
 * left its job, and it alone touches user memory, so a job and all that it
 * points to lives exactly as long as the call.
 */
#ifndef __KVM_MAP_MEMORY_H
#define __KVM_MAP_MEMORY_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/list.h>
#include <linux/wait.h>

struct map_memory_pool;
struct vhost_task;

/* Ranges that are looked at between two chances to be scheduled away. */
#define MAP_MEMORY_RESCHED_RANGES	256

/* What the job knows of a mapping, beside what was asked for. */
struct map_memory_range {
	/*
	 * Chunks are 1 << chunk_shift bytes, aligned; numbers count through all
	 * ranges.  One that is part of an earlier range's chunk has none itself.
	 */
	u64 first_chunk;
	u8 chunk_shift;
	/* How many small ranges, from this one on, its only chunk covers. */
	u8 nr_grouped;

	/*
	 * Where the lowest failure is, and which; the end of the range and 0
	 * while there is none.  Written under job->lock, read as a hint without.
	 */
	int error;
	gpa_t stop;
};

struct map_memory_job {
	struct kvm *kvm;
	struct task_struct *owner;
	/* The table of descriptors that the owner has the VM's file from. */
	fl_owner_t files;
	/* 0, or why the job has to end before its time.  Set once. */
	int cancelled;
	/* Threads at most, the owner included. */
	unsigned int max_workers;
	unsigned int nr_ranges;
	u64 nr_chunks;
	const struct kvm_memory_mapping *mappings;

	/* Protected by pool->lock. */
	struct list_head node;
	unsigned int nr_helpers;
	/* The threads that took chunks, and what all of them did. */
	unsigned int workers_used;
	struct kvm_map_memory_count count;

	/* Orders the reports of failures. */
	spinlock_t lock;
	bool failed;
	/* The owner, for the last helper to leave. */
	wait_queue_head_t idle;

	/* The next chunk: the one word that all workers write. */
	atomic64_t cursor ____cacheline_aligned_in_smp;

	struct map_memory_range ranges[] ____cacheline_aligned_in_smp;
};

/* What one thread did for a job. */
struct map_memory_share {
	struct kvm_map_memory_count count;
	u64 nr_chunks;
	/* A signal made it stop. */
	bool interrupted;
};

/* map_memory_job.c */
struct map_memory_job *map_memory_job_create(struct kvm *kvm,
					     const struct kvm_memory_mapping *mappings,
					     unsigned int nr_mappings);
void map_memory_job_free(struct map_memory_job *job);
void map_memory_job_work(struct map_memory_job *job, struct kvm_vcpu *context,
			 struct map_memory_share *share);
void map_memory_job_add_share(struct map_memory_job *job,
			      const struct map_memory_share *share);
bool map_memory_job_exhausted(struct map_memory_job *job);
int map_memory_job_result(struct map_memory_job *job, unsigned int *first_undone);
int map_memory_run(struct kvm_vcpu *vcpu, struct kvm_map_memory_walk *walk,
		   struct map_memory_job *job);

/* map_memory_pool.c */
struct map_memory_pool *map_memory_pool_get(struct kvm *kvm);
struct map_memory_pool *map_memory_pool_find(struct kvm *kvm);
void map_memory_pool_add_job(struct map_memory_pool *pool,
			     struct map_memory_job *job);
void map_memory_pool_remove_job(struct map_memory_pool *pool,
				struct map_memory_job *job,
				const struct map_memory_share *share, int interrupted);
void map_memory_pool_cancel_jobs(struct map_memory_pool *pool, fl_owner_t files,
				 int reason);
void map_memory_pool_grow(struct map_memory_pool *pool);
void map_memory_pool_destroy(struct kvm *kvm);

/* map_memory_spawn.c */
struct task_struct *map_memory_vmm_thread(struct task_struct *preferred);
void map_memory_grow_from(struct task_struct *thread, struct file *vm_file);

#endif /* __KVM_MAP_MEMORY_H */
