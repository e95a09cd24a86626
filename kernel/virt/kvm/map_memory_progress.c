// SPDX-License-Identifier: GPL-2.0
/*
 * How far a job is, while it runs: for its VMM in user memory, for the operator in
 * debugfs.
 *
 * Each worker counts for itself, and adds what it has done to job->done from time to
 * time: after each chunk, and where chunks are large or memory comes slowly, before.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "map_memory.h"

/* Half of what the user is promised, as a step in between takes its time, too. */
#define MAP_MEMORY_PUBLISH_TIME		(HZ / 20)
#define MAP_MEMORY_PUBLISH_BYTES	(SZ_64M / 2)

/* How many chunks were handed out, or skipped because of a failure. */
u64 kvm_map_memory_job_taken(const struct map_memory_job *job)
{
	unsigned int i;
	u64 taken = 0;

	for (i = 0; i < job->nr_queues; i++)
		taken += atomic64_read(&job->queues[i].cursor);

	return taken;
}

/*
 * A value that grows is written at once, so that a reader sees no half of it.  False:
 * its memory is not there.
 */
static bool map_memory_write_progress(const struct map_memory_job *job)
{
	const struct kvm_map_memory_count count = kvm_map_memory_job_count(job);
	struct kvm_map_memory_progress __user *progress = job->progress;
	bool written = false;

	pagefault_disable();
	if (!user_write_access_begin(progress, sizeof(*progress)))
		goto out;

	unsafe_put_user(job->total, &progress->bytes_total, fault);
	unsafe_put_user(count.mapped, &progress->bytes_mapped, fault);
	unsafe_put_user(count.present, &progress->bytes_present, fault);
	unsafe_put_user(count.skipped, &progress->bytes_skipped, fault);
	written = true;
fault:
	user_write_access_end();
out:
	pagefault_enable();
	return written;
}

/*
 * The same, but bring the memory in if need be, which may take any time, until a
 * signal comes: then -EINTR.  A fault of the kernel's own would not return for a signal
 * that does not kill, and in memory with userfaultfd spin: a thread that has to stop
 * could not.
 */
static int map_memory_owner_writes_progress(const struct map_memory_job *job)
{
	unsigned long start = (unsigned long)job->progress, page;
	long got;

	while (!map_memory_write_progress(job)) {
		for (page = start & PAGE_MASK; page < start + sizeof(*job->progress);
		     page += PAGE_SIZE) {
			got = get_user_pages_unlocked(page, 1, NULL, FOLL_WRITE |
						      FOLL_INTERRUPTIBLE);
			if (got != 1)
				return got == -EINTR ? -EINTR : -EFAULT;
		}

		/* It can be taken away again at any time. */
		if (signal_pending(current))
			return map_memory_write_progress(job) ? 0 : -EINTR;
	}

	return 0;
}

/*
 * Only one thread at a time, as with two the older value could come last.  If the
 * memory has gone away, only the progress is lost.
 */
static void map_memory_update_progress(struct map_memory_job *job)
{
	if (test_and_set_bit_lock(0, &job->progress_busy))
		return;

	if (current == job->owner)
		map_memory_owner_writes_progress(job);
	else
		map_memory_write_progress(job);

	clear_bit_unlock(0, &job->progress_busy);
}

static void map_memory_publish_field(atomic64_t *of_job, atomic64_t *of_vm, u64 count,
				     u64 *published)
{
	if (count == *published)
		return;

	atomic64_add(count - *published, of_job);
	atomic64_add(count - *published, of_vm);
	*published = count;
}

void kvm_map_memory_publish(struct map_memory_share *share)
{
	const struct kvm_map_memory_count *count = &share->walk.count;
	struct map_memory_job *job = share->job;
	struct kvm_map_memory_done *of_vm = &kvm_map_memory_stats_of(job->pool)->done;

	map_memory_publish_field(&job->done.mapped, &of_vm->mapped, count->mapped,
				 &share->published.mapped);
	map_memory_publish_field(&job->done.present, &of_vm->present, count->present,
				 &share->published.present);
	map_memory_publish_field(&job->done.skipped, &of_vm->skipped, count->skipped,
				 &share->published.skipped);

	share->publish_at = jiffies + MAP_MEMORY_PUBLISH_TIME;
	share->publish_bytes = kvm_map_memory_bytes(count) +
			       MAP_MEMORY_PUBLISH_BYTES / job->max_workers;

	if (job->progress)
		map_memory_update_progress(job);
}

void kvm_map_memory_share_init(struct map_memory_share *share, struct map_memory_job *job)
{
	*share = (struct map_memory_share) {
		.job = job,
		.take = 1,
		.publish_at = jiffies + MAP_MEMORY_PUBLISH_TIME,
		.publish_bytes = MAP_MEMORY_PUBLISH_BYTES / job->max_workers,
	};
}

/* Before anything is done.  @progress is NULL if it was not asked for. */
int kvm_map_memory_progress_begin(struct map_memory_job *job,
				  struct kvm_map_memory_progress __user *progress,
				  int interrupted)
{
	int r = 0;

	job->progress = progress;
	if (progress)
		r = map_memory_owner_writes_progress(job);

	return r == -EINTR && !task_sigpending(current) ? interrupted : r;
}

/* By the owner, once no worker is left.  The results do not depend on it. */
void kvm_map_memory_progress_end(struct map_memory_job *job)
{
	if (job->progress)
		map_memory_owner_writes_progress(job);
}
