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
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "map_memory.h"

/* Half of what the user is promised, as a step in between takes its time, too. */
#define MAP_MEMORY_PUBLISH_TIME		(HZ / 20)
#define MAP_MEMORY_PUBLISH_BYTES	(SZ_64M / 2)

/* A value that grows is written at once, so that a reader sees no half of it. */
static void map_memory_write_progress(const struct map_memory_job *job)
{
	const struct kvm_map_memory_count count = kvm_map_memory_job_count(job);
	struct kvm_map_memory_progress __user *progress = job->progress;

	if (!user_write_access_begin(progress, sizeof(*progress)))
		return;

	unsafe_put_user(count.mapped, &progress->bytes_mapped, fault);
	unsafe_put_user(count.present, &progress->bytes_present, fault);
	unsafe_put_user(count.skipped, &progress->bytes_skipped, fault);
	/* If its memory has gone away, only the progress is lost. */
fault:
	user_write_access_end();
}

/*
 * Only one thread at a time, as with two the older value could come last.  The owner
 * brings the page in if need be, which may take any time, and for which others do
 * not wait.
 */
static void map_memory_update_progress(struct map_memory_job *job)
{
	if (test_and_set_bit_lock(0, &job->progress_busy))
		return;

	if (current != job->owner)
		pagefault_disable();
	map_memory_write_progress(job);
	if (current != job->owner)
		pagefault_enable();

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
		.publish_at = jiffies + MAP_MEMORY_PUBLISH_TIME,
		.publish_bytes = MAP_MEMORY_PUBLISH_BYTES / job->max_workers,
	};
}

/* Before anything is done.  @progress is NULL if it was not asked for. */
int kvm_map_memory_progress_begin(struct map_memory_job *job,
				  struct kvm_map_memory_progress __user *progress)
{
	struct kvm_map_memory_progress start = { .bytes_total = job->total };

	if (progress && copy_to_user(progress, &start, sizeof(start)))
		return -EFAULT;

	job->progress = progress;
	return 0;
}

/* By the owner, once no worker is left.  The results do not depend on it. */
void kvm_map_memory_progress_end(struct map_memory_job *job)
{
	if (job->progress)
		map_memory_write_progress(job);
}
