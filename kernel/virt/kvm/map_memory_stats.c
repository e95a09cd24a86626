// SPDX-License-Identifier: GPL-2.0
/*
 * The figures of a VM's jobs for its operator, in the VM's directory of debugfs:
 *
 *   map_memory       what its jobs have done, in lines "name value"
 *   map_memory_jobs  a line for each that is running, below a line of names
 *
 * Both are read under pool->lock, so that their values fit together.  The files go
 * before the pool does, as KVM removes the directory first.
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

static_assert(ARRAY_SIZE(map_memory_errors) == MAP_MEMORY_NR_ERRORS);

static void map_memory_add_count(struct kvm_map_memory_count *sum,
				 const struct map_memory_job *job)
{
	struct kvm_map_memory_count count = kvm_map_memory_job_count(job);

	sum->mapped += count.mapped;
	sum->present += count.present;
	sum->skipped += count.skipped;
}

static void map_memory_show_stats(struct seq_file *file,
				  const struct map_memory_stats *stats,
				  unsigned int nr_running, unsigned int nr_helpers)
{
	unsigned int i;

	seq_printf(file, "jobs_running %u\n", nr_running);
	seq_printf(file, "jobs_done %llu\n", stats->jobs_done);
	seq_printf(file, "bytes_mapped %llu\n", stats->count.mapped);
	seq_printf(file, "bytes_present %llu\n", stats->count.present);
	seq_printf(file, "bytes_skipped %llu\n", stats->count.skipped);
	seq_printf(file, "helpers %u\n", nr_helpers);
	for (i = 0; i < MAP_MEMORY_NR_ERRORS; i++)
		seq_printf(file, "%s %llu\n", map_memory_errors[i].name,
			   stats->errors[i]);
}

static int map_memory_stats_show(struct seq_file *file, void *unused)
{
	struct map_memory_pool *pool = file->private;
	unsigned int nr_running, nr_helpers;
	struct map_memory_stats stats;
	struct map_memory_job *job;

	spin_lock(&pool->lock);
	stats = pool->stats;
	nr_running = list_count_nodes(&pool->stats.running);
	nr_helpers = pool->nr_helpers;
	list_for_each_entry(job, &pool->stats.running, stats_node)
		map_memory_add_count(&stats.count, job);
	spin_unlock(&pool->lock);

	map_memory_show_stats(file, &stats, nr_running, nr_helpers);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(map_memory_stats);

static int map_memory_jobs_show(struct seq_file *file, void *unused)
{
	struct map_memory_pool *pool = file->private;
	struct kvm_map_memory_count count;
	struct map_memory_job *job;

	seq_puts(file, "job workers max_workers bytes_mapped bytes_present bytes_skipped bytes_total\n");

	spin_lock(&pool->lock);
	list_for_each_entry(job, &pool->stats.running, stats_node) {
		count = kvm_map_memory_job_count(job);
		/* The owner is no worker of the list. */
		seq_printf(file, "%llu %u %u %llu %llu %llu %llu\n", job->id,
			   job->nr_workers + !list_empty(&job->node), job->max_workers,
			   count.mapped, count.present, count.skipped, job->total);
	}
	spin_unlock(&pool->lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(map_memory_jobs);

/* By whoever made the pool; without debugfs nothing comes of it. */
void kvm_map_memory_stats_create(struct map_memory_pool *pool)
{
	struct dentry *directory = pool->kvm->debugfs_dentry;

	debugfs_create_file("map_memory", 0444, directory, pool, &map_memory_stats_fops);
	debugfs_create_file("map_memory_jobs", 0444, directory, pool,
			    &map_memory_jobs_fops);
}

void kvm_map_memory_stats_begin(struct map_memory_pool *pool, struct map_memory_job *job)
{
	spin_lock(&pool->lock);
	list_add_tail(&job->stats_node, &pool->stats.running);
	spin_unlock(&pool->lock);
}

static unsigned int map_memory_error_index(int error)
{
	unsigned int i;

	for (i = 0; i < MAP_MEMORY_NR_ERRORS - 1; i++) {
		if (map_memory_errors[i].error == error)
			break;
	}

	return i;
}

/* @result is 0 or -errno; the job is over. */
void kvm_map_memory_stats_end(struct map_memory_pool *pool, struct map_memory_job *job,
			      int result)
{
	spin_lock(&pool->lock);
	list_del(&job->stats_node);
	pool->stats.jobs_done++;
	map_memory_add_count(&pool->stats.count, job);
	if (result)
		pool->stats.errors[map_memory_error_index(result)]++;
	spin_unlock(&pool->lock);
}
