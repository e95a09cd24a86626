// SPDX-License-Identifier: GPL-2.0
/*
 * A job of KVM_MAP_MEMORY: ranges, cut into chunks, handed out in order to
 * whoever asks, and what is left of them in the end.
 */
#include <linux/hugetlb.h>
#include <linux/kvm_host.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "map_memory.h"

/*
 * A chunk is at least what one leaf table maps, so that two workers seldom
 * meet in a table, and at least as large as a host page, so that the page is
 * accounted for once.  Sixteen huge pages are less work than 2 MiB of small
 * ones, and sixteen times fewer writes to the cursor.
 */
#define MAP_MEMORY_CHUNK_SHIFT		ilog2(SZ_2M)
#define MAP_MEMORY_HUGE_CHUNK_SHIFT	ilog2(16 * SZ_2M)

/*
 * How long to try again where the page tables or the memory keep changing,
 * before giving up: mapping ahead of time has no right to progress.
 */
#define MAP_MEMORY_RETRY_TIME	HZ

struct map_memory_chunk {
	u64 number;
	unsigned int range;
	struct kvm_map_memory_walk walk;
};

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

static u8 map_memory_chunk_shift(struct kvm *kvm, const struct map_memory_range *range)
{
	unsigned long page_size;

	if (range->end - range->gpa <= BIT(MAP_MEMORY_CHUNK_SHIFT))
		return MAP_MEMORY_CHUNK_SHIFT;

	page_size = map_memory_host_page_size(kvm, range->gpa);
	if (page_size == PAGE_SIZE)
		return MAP_MEMORY_CHUNK_SHIFT;

	return max(ilog2(page_size), MAP_MEMORY_HUGE_CHUNK_SHIFT);
}

static u64 map_memory_nr_chunks(const struct map_memory_range *range)
{
	if (range->gpa == range->end)
		return 0;

	return ((range->end - 1) >> range->chunk_shift) -
	       (range->gpa >> range->chunk_shift) + 1;
}

/* The mappings are valid.  Returns NULL if there is no memory. */
struct map_memory_job *map_memory_job_create(struct kvm *kvm,
					     const struct kvm_memory_mapping *mappings,
					     unsigned int nr_mappings)
{
	struct map_memory_range *range;
	struct map_memory_job *job;
	unsigned int i;

	job = kvzalloc(struct_size(job, ranges, nr_mappings), GFP_KERNEL_ACCOUNT);
	if (!job)
		return NULL;

	job->kvm = kvm;
	job->owner = current;
	job->nr_ranges = nr_mappings;
	INIT_LIST_HEAD(&job->node);
	spin_lock_init(&job->lock);
	init_waitqueue_head(&job->idle);

	for (i = 0; i < nr_mappings; i++) {
		cond_resched();
		range = &job->ranges[i];
		range->gpa = mappings[i].base_address;
		range->end = range->gpa + mappings[i].size;
		range->flags = mappings[i].flags;
		range->stop = range->end;
		range->first_chunk = job->nr_chunks;
		range->chunk_shift = map_memory_chunk_shift(kvm, range);
		job->nr_chunks += map_memory_nr_chunks(range);
	}

	return job;
}

void map_memory_job_free(struct map_memory_job *job)
{
	kvfree(job);
}

bool map_memory_job_exhausted(struct map_memory_job *job)
{
	return atomic64_read(&job->cursor) >= job->nr_chunks;
}

static gpa_t map_memory_chunk_start(const struct map_memory_range *range, u64 number)
{
	u64 index = number - range->first_chunk;

	if (!index)
		return range->gpa;

	return ((range->gpa >> range->chunk_shift) + index) << range->chunk_shift;
}

static u64 map_memory_end_chunk(const struct map_memory_job *job, unsigned int range)
{
	if (range + 1 == job->nr_ranges)
		return job->nr_chunks;

	return job->ranges[range + 1].first_chunk;
}

/* @chunk is the worker's last one: numbers only grow, so ranges do, too. */
static bool map_memory_next_chunk(struct map_memory_job *job,
				  struct map_memory_chunk *chunk)
{
	const struct map_memory_range *range;

	if (READ_ONCE(job->cancelled) || map_memory_job_exhausted(job))
		return false;

	chunk->number = atomic64_fetch_inc(&job->cursor);
	if (chunk->number >= job->nr_chunks)
		return false;

	while (chunk->number >= map_memory_end_chunk(job, chunk->range))
		chunk->range++;

	range = &job->ranges[chunk->range];
	chunk->walk.gpa = map_memory_chunk_start(range, chunk->number);
	chunk->walk.end = min(range->end,
			      ALIGN_DOWN(chunk->walk.gpa, BIT_ULL(range->chunk_shift)) +
			      BIT_ULL(range->chunk_shift));
	chunk->walk.flags = range->flags;
	chunk->walk.single_end = 0;

	return true;
}

/*
 * A range ends at its lowest failure.  Chunks are handed out in order, so
 * everything below is done or being done, and what is above that nobody has
 * taken yet need not be: it may be most of the address space.
 */
static void map_memory_job_fail(struct map_memory_job *job,
				const struct map_memory_chunk *chunk, int error)
{
	struct map_memory_range *range = &job->ranges[chunk->range];
	s64 end = map_memory_end_chunk(job, chunk->range);
	s64 cursor = atomic64_read(&job->cursor);

	spin_lock(&job->lock);
	if (chunk->walk.gpa < range->stop) {
		WRITE_ONCE(range->stop, chunk->walk.gpa);
		range->error = error;
	}
	spin_unlock(&job->lock);

	while (cursor < end &&
	       !atomic64_try_cmpxchg(&job->cursor, &cursor, end))
		;
}

/*
 * Map what @walk tells, as far as it goes.  @job is NULL for a call on a vCPU,
 * which nothing but a signal interrupts.
 *
 * Returns 0 or why the page at @walk->gpa could not be mapped.
 */
int map_memory_run(struct kvm_vcpu *vcpu, struct kvm_map_memory_walk *walk,
		   struct map_memory_job *job)
{
	unsigned long give_up = 0;
	int r;

	while (walk->gpa < walk->end) {
		if (job && READ_ONCE(job->cancelled))
			return READ_ONCE(job->cancelled);
		if (signal_pending(current))
			return -EINTR;
		if (READ_ONCE(vcpu->kvm->vm_dead))
			return -EIO;
		cond_resched();

		r = kvm_arch_map_memory(vcpu, walk);
		if (r < 0)
			return r;
		if (r) {
			give_up = 0;
			continue;
		}

		/*
		 * Somebody changes this memory.  The first retry is for free,
		 * then wait: spinning would only contend with them.
		 */
		if (!give_up) {
			give_up = jiffies + MAP_MEMORY_RETRY_TIME;
			continue;
		}
		if (time_after(jiffies, give_up))
			return -EAGAIN;
		schedule_timeout_interruptible(1);
	}

	return 0;
}

/*
 * Take and map chunks until none is left or the job is cancelled.  Called by
 * the owner and by each helper, with a context of its own.
 */
void map_memory_job_work(struct map_memory_job *job, struct kvm_vcpu *context,
			 struct map_memory_share *share)
{
	struct map_memory_chunk chunk = {};
	struct map_memory_range *range;
	int r;

	while (!share->interrupted && map_memory_next_chunk(job, &chunk)) {
		share->nr_chunks++;

		range = &job->ranges[chunk.range];
		if (READ_ONCE(range->stop) <= chunk.walk.gpa)
			continue;

		r = map_memory_run(context, &chunk.walk, job);
		if (r)
			map_memory_job_fail(job, &chunk, r);

		share->interrupted = r == -EINTR;
	}

	share->count = chunk.walk.count;
}

/* Called under pool->lock. */
void map_memory_job_add_share(struct map_memory_job *job,
			      const struct map_memory_share *share)
{
	job->count.mapped += share->count.mapped;
	job->count.present += share->count.present;
	job->count.skipped += share->count.skipped;

	if (share->nr_chunks)
		job->workers_used++;
}

/* What nobody took before the job was cancelled is left to do. */
static void map_memory_job_fail_untaken(struct map_memory_job *job)
{
	u64 cursor = atomic64_read(&job->cursor);
	struct map_memory_range *range;
	unsigned int i;
	gpa_t untaken;

	for (i = 0; i < job->nr_ranges; i++) {
		if (cursor >= map_memory_end_chunk(job, i))
			continue;

		range = &job->ranges[i];
		untaken = map_memory_chunk_start(range, max(cursor, range->first_chunk));
		if (untaken < range->stop) {
			range->stop = untaken;
			range->error = job->cancelled;
		}
	}
}

/* Only for the owner, after all helpers have left. */
int map_memory_job_result(struct map_memory_job *job, unsigned int *first_undone)
{
	unsigned int i;

	map_memory_job_fail_untaken(job);

	for (i = 0; i < job->nr_ranges; i++) {
		if (job->ranges[i].stop < job->ranges[i].end)
			break;
	}

	*first_undone = i;
	if (i == job->nr_ranges)
		return 0;

	return job->cancelled ?: job->ranges[i].error;
}
