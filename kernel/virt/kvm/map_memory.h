/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY, generic part, private to virt/kvm/map_memory*.c.
 *
 * An ioctl (map_memory.c) or an io_uring command (map_memory_uring.c) brings a
 * batch: a vector of the user's (map_memory_batch.c).  It becomes a job, whose
 * ranges are cut into chunks (map_memory_job.c), and each chunk is a walk over
 * guest memory (map_memory_walk.c), which the architecture maps.
 *
 * The owner of a job is the thread that called: a thread of the VMM for the
 * ioctl, an io-wq thread for the io_uring command.  The owner maps; helper
 * threads of the VM's pool (map_memory_pool.c, map_memory_spawn.c) join it.  The
 * owner leaves only when all helpers have left its job, and it alone touches user
 * memory, so a job and all that it points to lives exactly as long as the call.
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

/* The state of a mapping in a job. */
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
	 * The error of the lowest failure and its address; 0 and the end of the
	 * range while there is none.  Written under job->lock, read as a hint without.
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

/* One thread's part in a job. */
struct map_memory_share {
	struct kvm_map_memory_count count;
	u64 nr_chunks;
	/* A signal made it stop. */
	bool interrupted;
};

/* On whose behalf a batch is mapped. */
struct map_memory_caller {
	struct file *vm_file;
	/* The thread that makes helpers: current, or one that is asked to. */
	struct task_struct *vmm_thread;
	/* The result of a batch that io_uring or a signal cancels. */
	int interrupted;
};

/* map_memory_batch.c */
int kvm_map_memory_check_mapping(const struct kvm_memory_mapping *mapping, u64 limit);
int kvm_map_memory_batch(struct kvm *kvm, struct kvm_map_memory_batch __user *ubatch,
			 const struct map_memory_caller *caller);

/* map_memory_job.c */
struct map_memory_job *
kvm_map_memory_job_create(struct kvm *kvm, const struct kvm_memory_mapping *mappings,
			  unsigned int nr_mappings);
void kvm_map_memory_job_free(struct map_memory_job *job);
void kvm_map_memory_job_work(struct map_memory_job *job,
			     struct kvm_map_memory_context *context,
			     struct map_memory_share *share);
void kvm_map_memory_job_add_share(struct map_memory_job *job,
				  const struct map_memory_share *share);
bool kvm_map_memory_job_exhausted(struct map_memory_job *job);
int kvm_map_memory_job_result(struct map_memory_job *job, unsigned int *first_undone);

/* map_memory_walk.c */
int kvm_map_memory_do_walk(struct kvm *kvm, struct kvm_map_memory_context *context,
			   struct kvm_map_memory_walk *walk,
			   const struct map_memory_job *job);

/* map_memory_pool.c */
struct map_memory_pool *kvm_map_memory_pool_get(struct kvm *kvm);
struct map_memory_pool *kvm_map_memory_pool_find(struct kvm *kvm);
void kvm_map_memory_pool_add_job(struct map_memory_pool *pool,
				 struct map_memory_job *job);
void kvm_map_memory_pool_remove_job(struct map_memory_pool *pool,
				    struct map_memory_job *job,
				    const struct map_memory_share *share,
				    int interrupted);
void kvm_map_memory_pool_cancel_jobs(struct map_memory_pool *pool, fl_owner_t files,
				     int reason);
void kvm_map_memory_pool_grow(struct map_memory_pool *pool);
void kvm_map_memory_pool_destroy(struct kvm *kvm);

/* map_memory_spawn.c */
struct task_struct *kvm_map_memory_vmm_thread(struct task_struct *preferred);
void kvm_map_memory_grow_from(struct task_struct *thread, struct file *vm_file);

#endif /* __KVM_MAP_MEMORY_H */
