// SPDX-License-Identifier: GPL-2.0
/*
 * The figures of a VM's jobs for its operator, in the VM's directory of debugfs:
 *
 *   map_memory       what its jobs have done, in lines "name value"
 *   map_memory_jobs  a line for each that is running, below a line of names
 *
 * KVM makes them with the VM's other files, and removes those first when it destroys
 * the VM: a reader that is inside is waited for, and keeps VM and pool alive.
 */
#include <linux/debugfs.h>
#include <linux/kvm_host.h>
#include <linux/seq_file.h>

#include "map_memory.h"

/* The last one is for all others. */
static const struct {
	int error;
	const char *name;
} map_memory_errors[] = {
	{ -EINTR, "errors_eintr" },
	{ -ECANCELED, "errors_ecanceled" },
	{ -EAGAIN, "errors_eagain" },
	{ -ENOMEM, "errors_enomem" },
	{ -EFAULT, "errors_efault" },
	{ 0, "errors_other" },
};

static_assert(ARRAY_SIZE(map_memory_errors) == KVM_MAP_MEMORY_NR_ERRORS);

static void map_memory_show_stats(struct seq_file *file,
				  const struct kvm_map_memory_stats *stats)
{
	const struct kvm_map_memory_count count = kvm_map_memory_done_read(&stats->done);
	unsigned int i;

	seq_printf(file, "jobs_running %llu\n", stats->jobs_running);
	seq_printf(file, "jobs_done %llu\n", stats->jobs_done);
	seq_printf(file, "bytes_mapped %llu\n", count.mapped);
	seq_printf(file, "bytes_present %llu\n", count.present);
	seq_printf(file, "bytes_skipped %llu\n", count.skipped);
	seq_printf(file, "helpers %llu\n", stats->helpers);
	for (i = 0; i < KVM_MAP_MEMORY_NR_ERRORS; i++)
		seq_printf(file, "%s %llu\n", map_memory_errors[i].name,
			   stats->errors[i]);
}

static int map_memory_stats_show(struct seq_file *file, void *unused)
{
	struct map_memory_pool *pool = kvm_map_memory_pool_find(file->private);
	struct kvm_map_memory_stats stats = {};

	if (pool) {
		spin_lock(&pool->lock);
		stats = *kvm_map_memory_stats_of(pool);
		spin_unlock(&pool->lock);
	}

	map_memory_show_stats(file, &stats);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(map_memory_stats);

static void map_memory_show_job(struct seq_file *file, const struct map_memory_job *job)
{
	const struct kvm_map_memory_count count = kvm_map_memory_job_count(job);

	/* The owner is no worker of the list. */
	seq_printf(file, "%llu %u %u %llu %llu %llu %llu\n", job->id,
		   job->nr_workers + !list_empty(&job->node), job->max_workers,
		   count.mapped, count.present, count.skipped, job->total);
}

static int map_memory_jobs_show(struct seq_file *file, void *unused)
{
	struct map_memory_pool *pool = kvm_map_memory_pool_find(file->private);
	const struct map_memory_job *job;

	seq_puts(file, "job workers max_workers bytes_mapped bytes_present bytes_skipped bytes_total\n");
	if (!pool)
		return 0;

	spin_lock(&pool->lock);
	list_for_each_entry(job, &pool->running, running_node)
		map_memory_show_job(file, job);
	spin_unlock(&pool->lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(map_memory_jobs);

/* Without debugfs nothing comes of it. */
void kvm_map_memory_create_vm_debugfs(struct kvm *kvm)
{
	struct dentry *directory = kvm->debugfs_dentry;

	debugfs_create_file("map_memory", 0444, directory, kvm, &map_memory_stats_fops);
	debugfs_create_file("map_memory_jobs", 0444, directory, kvm,
			    &map_memory_jobs_fops);
}

/* Under pool->lock.  Helpers may outlive the VM. */
void kvm_map_memory_stats_add_helpers(struct map_memory_pool *pool, int nr)
{
	pool->nr_helpers += nr;
	if (pool->kvm)
		kvm_map_memory_stats_of(pool)->helpers = pool->nr_helpers;
}

void kvm_map_memory_stats_begin(struct map_memory_job *job)
{
	struct map_memory_pool *pool = job->pool;

	spin_lock(&pool->lock);
	list_add_tail(&job->running_node, &pool->running);
	kvm_map_memory_stats_of(pool)->jobs_running++;
	spin_unlock(&pool->lock);
}

static unsigned int map_memory_error_index(int error)
{
	unsigned int i;

	for (i = 0; i < KVM_MAP_MEMORY_NR_ERRORS - 1; i++) {
		if (map_memory_errors[i].error == error)
			break;
	}

	return i;
}

/* Under pool->lock.  @result is 0 or -errno. */
static void map_memory_stats_done(struct kvm_map_memory_stats *stats, int result)
{
	stats->jobs_done++;
	if (result)
		stats->errors[map_memory_error_index(result)]++;
}

/* The job is over. */
void kvm_map_memory_stats_end(struct map_memory_job *job, int result)
{
	struct kvm_map_memory_stats *stats = kvm_map_memory_stats_of(job->pool);

	spin_lock(&job->pool->lock);
	list_del(&job->running_node);
	stats->jobs_running--;
	map_memory_stats_done(stats, result);
	spin_unlock(&job->pool->lock);
}

/* A batch of map_memory_now.c is over. */
void kvm_map_memory_stats_now(struct map_memory_pool *pool,
			      const struct kvm_map_memory_count *count, int result)
{
	struct kvm_map_memory_stats *stats = kvm_map_memory_stats_of(pool);

	atomic64_add(count->mapped, &stats->done.mapped);
	atomic64_add(count->present, &stats->done.present);
	atomic64_add(count->skipped, &stats->done.skipped);

	spin_lock(&pool->lock);
	map_memory_stats_done(stats, result);
	spin_unlock(&pool->lock);
}
