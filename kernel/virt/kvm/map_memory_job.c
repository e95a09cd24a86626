// SPDX-License-Identifier: GPL-2.0
/*
 * A job of KVM_MAP_MEMORY: ranges, cut into chunks, handed out in order to
 * whoever asks, and what is left of them in the end.
 */
#include <linux/hugetlb.h>
#include <linux/kvm_host.h>
#include <linux/log2.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/slab.h>

#include "map_memory.h"

#define CREATE_TRACE_POINTS
#include <trace/events/kvm_map_memory.h>

/*
 * A chunk is at least what one leaf table maps, so that two workers seldom
 * meet in a table, and at least as large as a host page, so that the page is
 * accounted for once.  KVM's tables cover what the host's do.  Sixteen huge pages
 * are less work than one leaf table, and sixteen times fewer writes to the cursor.
 * Neighbouring ranges of a few pages share a chunk.
 */
#define MAP_MEMORY_CHUNK_SHIFT		PMD_SHIFT
#define MAP_MEMORY_HUGE_CHUNK_SHIFT	(PMD_SHIFT + 4)
#define MAP_MEMORY_SMALL_RANGE		(16 * PAGE_SIZE)
#define MAP_MEMORY_MAX_GROUPED		64

/*
 * Chunks that a thread takes at once: one, and twice as many after each time that
 * all memory was there.  The limit is a part of what is left for each worker, so that
 * none of them is long at work when the others have ended, whatever comes next.
 */
#define MAP_MEMORY_MAX_TAKEN		64
#define MAP_MEMORY_PARTS_LEFT		16

/* What the host has at the start of a range. */
struct map_memory_host {
	unsigned long page_size;
	/* NUMA_NO_NODE if that is not known. */
	int node;
};

/* The node that the policy of @vma wants its pages on, if that is one. */
static int map_memory_policy_node(const struct vm_area_struct *vma)
{
#ifdef CONFIG_NUMA
	const struct mempolicy *policy = vma->vm_policy;

	if (policy && (policy->mode == MPOL_BIND || policy->mode == MPOL_PREFERRED) &&
	    nodes_weight(policy->nodes) == 1)
		return first_node(policy->nodes);
#endif
	return NUMA_NO_NODE;
}

static int map_memory_page_node(unsigned long hva)
{
	struct page *page;
	int node;

	if (get_user_pages_fast_only(hva, 1, 0, &page) != 1)
		return NUMA_NO_NODE;

	node = page_to_nid(page);
	put_page(page);
	return node;
}

static struct map_memory_host map_memory_look_at_host(struct kvm *kvm, gpa_t gpa)
{
	struct map_memory_host host = {
		.page_size = PAGE_SIZE,
		.node = NUMA_NO_NODE,
	};
	struct vm_area_struct *vma;
	unsigned long hva;
	int idx;

	idx = srcu_read_lock(&kvm->srcu);
	hva = gfn_to_hva(kvm, gpa_to_gfn(gpa));
	srcu_read_unlock(&kvm->srcu, idx);
	if (kvm_is_error_hva(hva))
		return host;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, hva);
	if (vma) {
		host.page_size = vma_kernel_pagesize(vma);
		host.node = map_memory_policy_node(vma);
	}
	mmap_read_unlock(current->mm);

	if (host.node == NUMA_NO_NODE && num_online_nodes() > 1)
		host.node = map_memory_page_node(hva);

	return host;
}

/* For a range of more than one chunk, or whose node matters. */
static void map_memory_place_range(struct map_memory_job *job,
				   struct map_memory_range *range,
				   const struct kvm_memory_mapping *mapping)
{
	struct map_memory_host host;

	host = map_memory_look_at_host(job->kvm, mapping->base_address);
	if (host.page_size > PAGE_SIZE)
		range->chunk_shift = max(ilog2(host.page_size),
					 MAP_MEMORY_HUGE_CHUNK_SHIFT);
	if (host.node + 1 < job->nr_queues)
		range->queue = host.node + 1;
}

static u64 map_memory_nr_chunks(const struct kvm_memory_mapping *mapping, u8 shift)
{
	u64 last = mapping->base_address + mapping->size - 1;

	if (!mapping->size)
		return 0;

	return (last >> shift) - (mapping->base_address >> shift) + 1;
}

/* @range begins a chunk, and if it has other chunks, these as well. */
static void map_memory_number_chunks(struct map_memory_job *job,
				     struct map_memory_range *range, u64 nr)
{
	struct map_memory_queue *queue = &job->queues[range->queue];

	range->first_chunk = queue->nr_chunks;
	range->end_chunk = range->first_chunk + nr;
	queue->nr_chunks += nr;
	job->nr_chunks += nr;
}

static void map_memory_init_ranges(struct map_memory_job *job)
{
	struct map_memory_range *range, *group = NULL;
	const struct kvm_memory_mapping *mapping;
	unsigned int i;

	for (i = 0; i < job->nr_ranges; i++) {
		if (i % MAP_MEMORY_RESCHED_RANGES == 0)
			cond_resched();

		mapping = &job->mappings[i];
		range = &job->ranges[i];
		job->total += mapping->size;
		*range = (struct map_memory_range) {
			.chunk_shift = MAP_MEMORY_CHUNK_SHIFT,
			.stop = mapping->base_address + mapping->size,
		};

		if (mapping->size > MAP_MEMORY_SMALL_RANGE) {
			group = NULL;
		} else if (group && group->nr_grouped < MAP_MEMORY_MAX_GROUPED) {
			group->nr_grouped++;
			/* It is as far as the group's chunk is. */
			range->queue = group->queue;
			range->first_chunk = group->end_chunk;
			range->end_chunk = group->end_chunk;
			continue;
		} else {
			group = range;
		}

		range->nr_grouped = 1;
		/* The chunk of a group is the first range's, whatever its size. */
		if (group) {
			map_memory_number_chunks(job, range, 1);
			continue;
		}

		if (mapping->size > BIT(MAP_MEMORY_CHUNK_SHIFT) || job->nr_queues > 1)
			map_memory_place_range(job, range, mapping);
		map_memory_number_chunks(job, range,
					 map_memory_nr_chunks(mapping,
							      range->chunk_shift));
	}
}

u64 kvm_map_memory_job_new_id(void)
{
	static atomic64_t last_id;

	return atomic64_inc_return(&last_id);
}

/*
 * @mappings are valid, and stay with the job as they are.  Returns NULL if
 * there is no memory.
 */
struct map_memory_job *
kvm_map_memory_job_create(struct kvm *kvm, const struct kvm_memory_mapping *mappings,
			  unsigned int nr_mappings)
{
	unsigned int nr_queues = num_online_nodes() > 1 ? nr_node_ids + 1 : 1;
	size_t queues = ALIGN(struct_size_t(struct map_memory_job, ranges, nr_mappings),
			      SMP_CACHE_BYTES);
	struct map_memory_job *job;

	job = kvmalloc(queues + nr_queues * sizeof(*job->queues), GFP_KERNEL_ACCOUNT);
	if (!job)
		return NULL;

	memset(job, 0, sizeof(*job));
	job->queues = (void *)job + queues;
	job->nr_queues = nr_queues;
	memset(job->queues, 0, nr_queues * sizeof(*job->queues));
	job->kvm = kvm;
	job->id = kvm_map_memory_job_new_id();
	job->owner = current;
	job->files = current->files;
	job->mappings = mappings;
	job->nr_ranges = nr_mappings;
	INIT_LIST_HEAD(&job->node);
	INIT_LIST_HEAD(&job->workers);
	INIT_LIST_HEAD(&job->helpers);
	spin_lock_init(&job->lock);
	init_waitqueue_head(&job->idle);
	map_memory_init_ranges(job);

	return job;
}

void kvm_map_memory_job_free(struct map_memory_job *job)
{
	kvfree(job);
}

static bool map_memory_queue_exhausted(const struct map_memory_queue *queue)
{
	return atomic64_read(&queue->cursor) >= queue->nr_chunks;
}

bool kvm_map_memory_job_exhausted(const struct map_memory_job *job)
{
	unsigned int i;

	for (i = 0; i < job->nr_queues; i++) {
		if (!map_memory_queue_exhausted(&job->queues[i]))
			return false;
	}

	return true;
}

/* The start of chunk @number in @range, unless an earlier range has the chunk. */
static gpa_t map_memory_chunk_start(const struct map_memory_job *job,
				    unsigned int range, u64 number)
{
	u64 index = number - job->ranges[range].first_chunk;
	gpa_t gpa = job->mappings[range].base_address;
	u8 shift = job->ranges[range].chunk_shift;

	return index ? ((gpa >> shift) + index) << shift : gpa;
}

static gpa_t map_memory_chunk_end(const struct map_memory_job *job,
				  unsigned int range, u64 number)
{
	const struct kvm_memory_mapping *mapping = &job->mappings[range];
	gpa_t end = mapping->base_address + mapping->size;

	if (number + 1 >= job->ranges[range].end_chunk)
		return end;

	return map_memory_chunk_start(job, range, number + 1);
}

/*
 * The queue of the node that the thread runs on, and once that is empty, the first one
 * that is not.  False if all are.
 */
static bool map_memory_choose_queue(struct map_memory_share *share)
{
	const struct map_memory_job *job = share->job;
	unsigned int i, local = 0;

	if (job->nr_queues > 1)
		local = numa_node_id() + 1;

	for (i = 0; i <= job->nr_queues; i++) {
		share->queue = i ? i - 1 : local;
		share->range = 0;
		if (!map_memory_queue_exhausted(&job->queues[share->queue]))
			return true;
	}

	return false;
}

/* How many chunks of share->range, from @number on, the thread gets at most. */
static u64 map_memory_max_taken(const struct map_memory_share *share, u64 number)
{
	const struct map_memory_job *job = share->job;
	u64 left = job->queues[share->queue].nr_chunks - number;
	u64 part = left / (MAP_MEMORY_PARTS_LEFT * job->max_workers);

	return min3(share->take, max(part, 1),
		    job->ranges[share->range].end_chunk - number);
}

static bool map_memory_range_has(const struct map_memory_share *share, u64 number)
{
	const struct map_memory_range *range = &share->job->ranges[share->range];

	return range->queue == share->queue && number < range->end_chunk;
}

/*
 * Take the next chunks of share->queue, all of one range.  The numbers that a thread
 * gets from a queue only grow, and so do the ranges.  Returns how many there are.
 */
static u64 map_memory_take_from_queue(struct map_memory_share *share)
{
	struct map_memory_job *job = share->job;
	struct map_memory_queue *queue = &job->queues[share->queue];
	struct kvm_map_memory_walk *walk = &share->walk;
	s64 number = atomic64_read(&queue->cursor);
	u64 nr;

	do {
		if (number >= queue->nr_chunks)
			return 0;
		while (!map_memory_range_has(share, number))
			share->range++;
		nr = map_memory_max_taken(share, number);
	} while (!atomic64_try_cmpxchg(&queue->cursor, &number, number + nr));

	walk->mapping = &job->mappings[share->range];
	walk->nr_following = job->ranges[share->range].nr_grouped - 1;
	walk->gpa = map_memory_chunk_start(job, share->range, number);
	walk->end = map_memory_chunk_end(job, share->range, number + nr - 1);
	walk->arch_end = 0;
	walk->all_there = true;

	return nr;
}

static u64 map_memory_take_chunks(struct map_memory_share *share)
{
	u64 nr;

	do {
		if (READ_ONCE(share->job->cancelled))
			return 0;
		nr = map_memory_take_from_queue(share);
	} while (!nr && map_memory_choose_queue(share));

	return nr;
}

/*
 * A range ends at its lowest failure.  Chunks are handed out in order, so
 * everything below is done or being done, and what is above that nobody has
 * taken yet need not be: it may be most of the address space.
 */
static void map_memory_job_fail(struct map_memory_job *job, unsigned int nr,
				gpa_t gpa, int error)
{
	struct map_memory_range *range = &job->ranges[nr];
	atomic64_t *queue_cursor = &job->queues[range->queue].cursor;
	s64 cursor = atomic64_read(queue_cursor), end = range->end_chunk;

	spin_lock(&job->lock);
	if (gpa < range->stop) {
		WRITE_ONCE(range->stop, gpa);
		range->error = error;
		job->failed = true;
	}
	spin_unlock(&job->lock);

	while (cursor < end &&
	       !atomic64_try_cmpxchg(queue_cursor, &cursor, end))
		;
}

/* Map chunks of a range, or that of a group, where a failure is only one range's. */
static void map_memory_job_chunks(struct map_memory_share *share,
				  struct kvm_map_memory_context *context)
{
	struct kvm_map_memory_walk *walk = &share->walk;
	struct map_memory_job *job = share->job;
	unsigned int range;
	int r;

	do {
		range = walk->mapping - job->mappings;

		/* Unless an earlier chunk of the range has failed. */
		if (READ_ONCE(job->ranges[range].stop) >= walk->gpa) {
			r = kvm_map_memory_do_walk(job->kvm, context, walk, share);
			if (!r)
				return;

			range = walk->mapping - job->mappings;
			map_memory_job_fail(job, range, walk->gpa, r);
			share->interrupted |= r == -EINTR;
		}

		walk->gpa = walk->end;
	} while (kvm_map_memory_walk_next(walk));
}

static void map_memory_traced_chunks(struct map_memory_share *share,
				     struct kvm_map_memory_context *context)
{
	const struct kvm_map_memory_walk *walk = &share->walk;
	const struct kvm_map_memory_count *count = &walk->count;
	struct kvm_map_memory_count before = *count;
	u64 id = share->job->id;

	trace_kvm_map_memory_chunk_begin(id, walk->gpa, walk->end - walk->gpa,
					 walk->nr_following + 1);
	map_memory_job_chunks(share, context);
	trace_kvm_map_memory_chunk_end(id, count->mapped - before.mapped,
				       count->present - before.present,
				       count->skipped - before.skipped);
}

/*
 * Take and map chunks until none is left or the job is cancelled.  Called by
 * the owner and by each worker, with a context of its own.  All of them may access
 * what the thread that called may, whenever they were made.
 */
void kvm_map_memory_job_work(struct map_memory_share *share,
			     struct kvm_map_memory_context *context)
{
	struct map_memory_job *job = share->job;
	u64 rights = kvm_arch_map_memory_set_rights(job->rights);
	u64 nr;

	map_memory_choose_queue(share);
	while (!share->interrupted) {
		nr = map_memory_take_chunks(share);
		if (!nr)
			break;

		share->nr_chunks += nr;
		map_memory_traced_chunks(share, context);
		kvm_map_memory_publish(share);
		share->take = share->walk.all_there ?
			min(2 * share->take, MAP_MEMORY_MAX_TAKEN) : 1;
	}

	kvm_arch_map_memory_set_rights(rights);
}

/* Chunks that nobody took before the job was cancelled are left to do. */
static void map_memory_job_fail_untaken(struct map_memory_job *job)
{
	struct map_memory_range *range;
	unsigned int i;
	gpa_t untaken;
	u64 cursor;

	for (i = 0; i < job->nr_ranges; i++) {
		range = &job->ranges[i];
		cursor = atomic64_read(&job->queues[range->queue].cursor);
		if (cursor >= range->end_chunk)
			continue;

		untaken = map_memory_chunk_start(job, i, max(cursor, range->first_chunk));
		if (untaken < range->stop) {
			range->stop = untaken;
			range->error = job->cancelled;
			job->failed = true;
		}
	}
}

static gpa_t map_memory_range_end(const struct map_memory_job *job, unsigned int range)
{
	return job->mappings[range].base_address + job->mappings[range].size;
}

/* Only for the owner, after all workers have left. */
int kvm_map_memory_job_result(struct map_memory_job *job, unsigned int *first_undone)
{
	unsigned int i;

	if (!kvm_map_memory_job_exhausted(job))
		map_memory_job_fail_untaken(job);

	for (i = job->failed ? 0 : job->nr_ranges; i < job->nr_ranges; i++) {
		if (job->ranges[i].stop < map_memory_range_end(job, i))
			break;
	}

	*first_undone = i;
	if (i == job->nr_ranges)
		return 0;

	return job->cancelled ?: job->ranges[i].error;
}
