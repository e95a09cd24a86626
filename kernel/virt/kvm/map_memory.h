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
 * ioctl, an io-wq thread for the io_uring command.  The owner maps; other workers
 * join it: helpers, which are threads that exist for that alone (map_memory_spawn.c,
 * map_memory_helper.c, map_memory_reap.c), or threads of the VMM that call in
 * (map_memory_join.c).  The owner leaves only when all workers have left its job,
 * and it alone touches user memory, so a job and all that it points to lives
 * exactly as long as the call.  A few resident pages need none of this, and are mapped
 * by the thread that submits (map_memory_now.c).  The pool of a VM (map_memory_pool.c)
 * has its jobs and its idle helpers.
 */
#ifndef __KVM_MAP_MEMORY_H
#define __KVM_MAP_MEMORY_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/jiffies.h>
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/kvm_map_memory_compat.h>
#include <linux/kvm_map_memory_stats.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct vhost_task;

/* Of a batch that is mapped by the thread that submits it. */
#define MAP_MEMORY_NOW_MAPPINGS		64

/* Kept by a VM for such batches, as making it costs more than mapping a few pages. */
struct map_memory_spare {
	struct kvm_map_memory_context *context;
	struct kvm_memory_mapping mappings[MAP_MEMORY_NOW_MAPPINGS];
};

/* The jobs and the idle helpers of a VM; kvm->users and each helper hold it. */
struct map_memory_pool {
	struct hlist_node node;
	struct kvm *kvm;
	refcount_t users;

	/* Protects all below, and what structures say that it protects. */
	spinlock_t lock;
	struct list_head jobs;
	struct list_head idle;
	unsigned int nr_helpers;
	/* From the first batch of map_memory_now.c on, but while one uses it. */
	struct map_memory_spare *spare;
	/* Jobs from their submission to their result. */
	struct list_head running;
#ifndef CONFIG_KVM_MAP_MEMORY_STATS
	struct kvm_map_memory_stats stats;
#endif
};

/* A thread, other than the owner, that maps for a job right now. */
struct map_memory_worker {
	/* In job->workers.  Protected by pool->lock. */
	struct list_head node;
	struct task_struct *task;
};

/* Ranges that are looked at between two chances to be scheduled away. */
#define MAP_MEMORY_RESCHED_RANGES	256

/* Chunks that are handed out in order: those of ranges whose memory is on one node. */
struct map_memory_queue {
	/* The next one, which all workers write. */
	atomic64_t cursor;
	u64 nr_chunks;
} ____cacheline_aligned_in_smp;

/* The state of a mapping in a job. */
struct map_memory_range {
	/*
	 * Chunks are 1 << chunk_shift bytes, aligned; numbers count through all ranges of
	 * a queue.  One that is part of an earlier range's chunk has none itself.
	 */
	u64 first_chunk;
	u64 end_chunk;
	u16 queue;
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
	struct map_memory_pool *pool;
	/* Unique on the host, for its operator. */
	u64 id;
	struct task_struct *owner;
	/* The table of descriptors that the owner has the VM's file from. */
	fl_owner_t files;
	/* KVM_MAP_MEMORY_KEEP_HELPERS and others. */
	u64 flags;
	/* Bytes of all mappings. */
	u64 total;
	/* Written by all that map, one at a time: who has the bit.  NULL: not asked for. */
	struct kvm_map_memory_progress __user *progress;
	unsigned long progress_busy;
	/* The user's batch, by whose address threads of the VMM join; never read. */
	const void __user *ubatch;
	/* What the thread that called may access, for all that map. */
	u64 rights;
	/* 0, or why the job has to end before its time.  Set once. */
	int cancelled;
	/* Threads at most, the owner included. */
	unsigned int max_workers;
	unsigned int nr_ranges;
	u64 nr_chunks;
	const struct kvm_memory_mapping *mappings;

	/* Protected by pool->lock. */
	struct list_head node;
	struct list_head workers;
	unsigned int nr_workers;
	/* Helpers made for, or lent to, the job, at work or not. */
	struct list_head helpers;
	unsigned int nr_helpers;
	/* No more are to be had: the VMM brings its own threads, or a limit is met. */
	bool helpers_limited;
	/* The threads that took chunks. */
	unsigned int workers_used;
	/* In pool->running. */
	struct list_head running_node;

	/* Orders the reports of failures. */
	spinlock_t lock;
	bool failed;
	/* The owner, for the last worker to leave. */
	wait_queue_head_t idle;

	/* All workers write it after each chunk. */
	struct kvm_map_memory_done done ____cacheline_aligned_in_smp;

	/*
	 * The first one is for memory whose node is not known, and the only one if the
	 * host has one node.  The others are for a node each.  They are behind the ranges.
	 */
	struct map_memory_queue *queues;
	unsigned int nr_queues;
	struct map_memory_range ranges[];
};

/* One thread's part in a job. */
struct map_memory_share {
	struct map_memory_job *job;
	struct kvm_map_memory_walk walk;
	/* What of walk.count is in job->done, and when to bring that up to date. */
	struct kvm_map_memory_count published;
	unsigned long publish_at;
	u64 publish_bytes;
	u64 nr_chunks;
	/* How many to take at once; and from which queue, the last ones from which range. */
	u64 take;
	unsigned int queue;
	unsigned int range;
	/* A signal made it stop. */
	bool interrupted;
};

/* On whose behalf a batch is mapped. */
struct map_memory_caller {
	struct file *vm_file;
	/* The thread that makes the first helper: current, or one that is asked to. */
	struct task_struct *vmm_thread;
	/* What the caller may access. */
	u64 rights;
	/* The result of a batch that io_uring or a signal cancels. */
	int interrupted;
};

/* map_memory_batch.c */
int kvm_map_memory_check_mapping(const struct kvm_memory_mapping *mapping, u64 limit);
int kvm_map_memory_check_batch(const struct kvm_map_memory_batch *batch);
int kvm_map_memory_batch(struct kvm *kvm, struct kvm_map_memory_batch __user *ubatch,
			 const struct map_memory_caller *caller);

/* map_memory_now.c */
int kvm_map_memory_now(struct kvm *kvm, struct kvm_map_memory_batch __user *ubatch);

/* map_memory_job.c */
u64 kvm_map_memory_job_new_id(void);
struct map_memory_job *
kvm_map_memory_job_create(struct kvm *kvm, const struct kvm_memory_mapping *mappings,
			  unsigned int nr_mappings);
void kvm_map_memory_job_free(struct map_memory_job *job);
void kvm_map_memory_job_work(struct map_memory_share *share,
			     struct kvm_map_memory_context *context);
bool kvm_map_memory_job_exhausted(const struct map_memory_job *job);
int kvm_map_memory_job_result(struct map_memory_job *job, unsigned int *first_undone);

/* map_memory_walk.c */
int kvm_map_memory_do_walk(struct kvm *kvm, struct kvm_map_memory_context *context,
			   struct kvm_map_memory_walk *walk,
			   struct map_memory_share *share);

/* map_memory_progress.c */
int kvm_map_memory_progress_begin(struct map_memory_job *job,
				  struct kvm_map_memory_progress __user *progress,
				  int interrupted);
void kvm_map_memory_progress_end(struct map_memory_job *job);
void kvm_map_memory_share_init(struct map_memory_share *share,
			       struct map_memory_job *job);
u64 kvm_map_memory_job_taken(const struct map_memory_job *job);
void kvm_map_memory_publish(struct map_memory_share *share);

static inline struct kvm_map_memory_count
kvm_map_memory_done_read(const struct kvm_map_memory_done *done)
{
	return (struct kvm_map_memory_count) {
		.mapped = atomic64_read(&done->mapped),
		.present = atomic64_read(&done->present),
		.skipped = atomic64_read(&done->skipped),
	};
}

/* What is published of all that the workers of @job have done. */
static inline struct kvm_map_memory_count
kvm_map_memory_job_count(const struct map_memory_job *job)
{
	return kvm_map_memory_done_read(&job->done);
}

/*
 * Protected by pool->lock, but for counts of bytes.  A job keeps the VM, and so
 * them, alive; others may find that it has gone.
 */
#ifdef CONFIG_KVM_MAP_MEMORY_STATS
static inline struct kvm_map_memory_stats *
kvm_map_memory_stats_of(struct map_memory_pool *pool)
{
	return &pool->kvm->stat.generic.map_memory;
}
#else
static inline struct kvm_map_memory_stats *
kvm_map_memory_stats_of(struct map_memory_pool *pool)
{
	return &pool->stats;
}
#endif

static inline u64 kvm_map_memory_bytes(const struct kvm_map_memory_count *count)
{
	return count->mapped + count->present + count->skipped;
}

/* Between two pages or more: publish what is due. */
static inline void kvm_map_memory_publish_due(struct map_memory_share *share)
{
	if (time_after_eq(jiffies, share->publish_at) ||
	    kvm_map_memory_bytes(&share->walk.count) >= share->publish_bytes)
		kvm_map_memory_publish(share);
}

/* map_memory_stats.c */
void kvm_map_memory_stats_begin(struct map_memory_job *job);
void kvm_map_memory_stats_end(struct map_memory_job *job, int result);
void kvm_map_memory_stats_now(struct map_memory_pool *pool,
			      const struct kvm_map_memory_count *count, int result);
void kvm_map_memory_stats_add_helpers(struct map_memory_pool *pool, int nr);

/* map_memory_background.c */
int kvm_map_memory_background(void);
void kvm_map_memory_foreground(int policy);

/* map_memory_pool.c */
struct map_memory_pool *kvm_map_memory_pool_get(struct kvm *kvm);
struct map_memory_pool *kvm_map_memory_pool_find(struct kvm *kvm);
void kvm_map_memory_pool_put(struct map_memory_pool *pool);
void kvm_map_memory_pool_add_job(struct map_memory_pool *pool,
				 struct map_memory_job *job);
void kvm_map_memory_pool_remove_job(struct map_memory_pool *pool,
				    const struct map_memory_share *share,
				    int interrupted);
void kvm_map_memory_pool_cancel_jobs(struct map_memory_pool *pool, fl_owner_t files,
				     int reason);
struct map_memory_spare *kvm_map_memory_pool_take_spare(struct map_memory_pool *pool);
void kvm_map_memory_pool_set_spare(struct map_memory_pool *pool,
				   struct map_memory_spare *spare);
void kvm_map_memory_pool_destroy(struct kvm *kvm);
bool kvm_map_memory_job_has_room(const struct map_memory_job *job);
void kvm_map_memory_worker_join(struct map_memory_worker *worker,
				struct map_memory_job *job);
void kvm_map_memory_worker_leave(struct map_memory_pool *pool,
				 struct map_memory_worker *worker,
				 const struct map_memory_share *share);

/* map_memory_helper.c */
bool kvm_map_memory_helper_make(struct map_memory_pool *pool,
				struct map_memory_job *job);
void kvm_map_memory_helpers_lend(struct map_memory_pool *pool,
				 struct map_memory_job *job);
void kvm_map_memory_helpers_detach(struct map_memory_pool *pool,
				   struct map_memory_job *job);
void kvm_map_memory_helpers_end_idle(struct map_memory_pool *pool, bool wait);

/* map_memory_reap.c */
void kvm_map_memory_helpers_wait_gone(struct map_memory_job *job);
void kvm_map_memory_helpers_exit(void);

/* map_memory_spawn.c */
struct task_struct *kvm_map_memory_vmm_thread(struct task_struct *preferred);
void kvm_map_memory_make_from(struct task_struct *thread, struct file *vm_file,
			      struct map_memory_job *job);

/* map_memory_join.c */
int kvm_map_memory_join(struct kvm *kvm, const void __user *ubatch);

#endif /* __KVM_MAP_MEMORY_H */
