// SPDX-License-Identifier: GPL-2.0
/*
 * A job of KVM_MAP_MEMORY: ranges, cut into chunks, handed out in order to
 * whoever asks, and what is left of them in the end.
 */
#include <linux/hugetlb.h>
#include <linux/kvm_host.h>
#include <linux/log2.h>
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

static unsigned long map_memory_host_page_size(struct kvm *kvm, gpa_t gpa)
{
	unsigned long hva, size = PAGE_SIZE;
	struct vm_area_struct *vma;
	int idx;

	idx = srcu_read_lock(&kvm->srcu);
	hva = gfn_to_hva(kvm, gpa_to_gfn(gpa));
	srcu_read_unlock(&kvm->srcu, idx);
	if (kvm_is_error_hva(hva))
		return size;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, hva);
	if (vma)
		size = vma_kernel_pagesize(vma);
	mmap_read_unlock(current->mm);

	return size;
}

static u8 map_memory_chunk_shift(struct kvm *kvm,
				 const struct kvm_memory_mapping *mapping)
{
	unsigned long page_size;

	if (mapping->size <= BIT(MAP_MEMORY_CHUNK_SHIFT))
		return MAP_MEMORY_CHUNK_SHIFT;

	page_size = map_memory_host_page_size(kvm, mapping->base_address);
	if (page_size == PAGE_SIZE)
		return MAP_MEMORY_CHUNK_SHIFT;

	return max(ilog2(page_size), MAP_MEMORY_HUGE_CHUNK_SHIFT);
}

static u64 map_memory_nr_chunks(const struct kvm_memory_mapping *mapping, u8 shift)
{
	u64 last = mapping->base_address + mapping->size - 1;

	if (!mapping->size)
		return 0;

	return (last >> shift) - (mapping->base_address >> shift) + 1;
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
			.first_chunk = job->nr_chunks,
			.stop = mapping->base_address + mapping->size,
		};

		if (mapping->size > MAP_MEMORY_SMALL_RANGE) {
			group = NULL;
		} else if (group && group->nr_grouped < MAP_MEMORY_MAX_GROUPED) {
			group->nr_grouped++;
			continue;
		} else {
			group = range;
		}

		range->nr_grouped = 1;
		range->chunk_shift = map_memory_chunk_shift(job->kvm, mapping);
		/* The chunk of a group is the first range's, whatever its size. */
		job->nr_chunks += group ? 1 :
			map_memory_nr_chunks(mapping, range->chunk_shift);
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
	struct map_memory_job *job;

	job = kvmalloc(struct_size(job, ranges, nr_mappings), GFP_KERNEL_ACCOUNT);
	if (!job)
		return NULL;

	memset(job, 0, sizeof(*job));
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

bool kvm_map_memory_job_exhausted(const struct map_memory_job *job)
{
	return atomic64_read(&job->cursor) >= job->nr_chunks;
}

static u64 map_memory_end_chunk(const struct map_memory_job *job, unsigned int range)
{
	if (range + 1 == job->nr_ranges)
		return job->nr_chunks;

	return job->ranges[range + 1].first_chunk;
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

	if (number + 1 >= map_memory_end_chunk(job, range))
		return end;

	return map_memory_chunk_start(job, range, number + 1);
}

/* How many chunks of range @nr, from @number on, @share gets at most. */
static u64 map_memory_max_taken(const struct map_memory_share *share,
				unsigned int nr, u64 number)
{
	const struct map_memory_job *job = share->job;
	u64 part = (job->nr_chunks - number) / (MAP_MEMORY_PARTS_LEFT * job->max_workers);

	return min3(share->take, max(part, 1), map_memory_end_chunk(job, nr) - number);
}

/*
 * Take chunks of one range.  @range is that of the worker's last ones: the numbers
 * that it gets only grow, and so do the ranges.  Returns how many there are.
 */
static u64 map_memory_take_chunks(struct map_memory_share *share, unsigned int *range)
{
	struct kvm_map_memory_walk *walk = &share->walk;
	struct map_memory_job *job = share->job;
	u64 nr = 1;
	s64 number;

	if (READ_ONCE(job->cancelled))
		return 0;

	number = atomic64_read(&job->cursor);
	do {
		if (number >= job->nr_chunks)
			return 0;
		while (number >= map_memory_end_chunk(job, *range))
			(*range)++;
		nr = map_memory_max_taken(share, *range, number);
	} while (!atomic64_try_cmpxchg(&job->cursor, &number, number + nr));

	walk->mapping = &job->mappings[*range];
	walk->nr_following = job->ranges[*range].nr_grouped - 1;
	walk->gpa = map_memory_chunk_start(job, *range, number);
	walk->end = map_memory_chunk_end(job, *range, number + nr - 1);
	walk->arch_end = 0;
	walk->all_there = true;

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
	s64 end = map_memory_end_chunk(job, nr);
	s64 cursor = atomic64_read(&job->cursor);

	spin_lock(&job->lock);
	if (gpa < range->stop) {
		WRITE_ONCE(range->stop, gpa);
		range->error = error;
		job->failed = true;
	}
	spin_unlock(&job->lock);

	while (cursor < end &&
	       !atomic64_try_cmpxchg(&job->cursor, &cursor, end))
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
	unsigned int range = 0;
	u64 nr;

	while (!share->interrupted) {
		nr = map_memory_take_chunks(share, &range);
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
	u64 cursor = atomic64_read(&job->cursor);
	struct map_memory_range *range;
	gpa_t untaken;
	unsigned int i;

	for (i = 0; i < job->nr_ranges; i++) {
		if (cursor >= map_memory_end_chunk(job, i))
			continue;

		range = &job->ranges[i];
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
