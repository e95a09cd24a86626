// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: a few resident pages, mapped at once by the thread that submits.
 *
 * They need no other thread and no wait, and an io-wq thread would cost several
 * times as much as they do.  This is a try: it waits for nobody but the holders of
 * spinlocks, and where it cannot do all of a batch it reports nothing, and an io-wq
 * thread does the batch from the start.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <trace/events/kvm_map_memory.h>

#include "map_memory.h"

/* A leaf table's worth of pages. */
#define MAP_MEMORY_NOW_BYTES	PMD_SIZE

/* One such batch, from the user's structures to the results in them. */
struct map_memory_now {
	struct kvm_map_memory_batch __user *ubatch;
	struct kvm_map_memory_batch batch;
	struct kvm_memory_mapping __user *umappings;
	/* Those of a struct map_memory_spare. */
	struct kvm_memory_mapping *mappings;
	u64 total;
};

/* Read a structure, if that takes no page fault. */
static bool map_memory_now_read(void *structure, const void __user *ustructure,
				size_t size)
{
	const u64 __user *uwords = ustructure;
	u64 *words = structure;
	unsigned int i;

	pagefault_disable();
	if (!user_read_access_begin(ustructure, size))
		goto enable;

	for (i = 0; i < size / sizeof(u64); i++)
		unsafe_get_user(words[i], &uwords[i], fault);

	user_read_access_end();
	pagefault_enable();
	return true;

fault:
	user_read_access_end();
enable:
	pagefault_enable();
	return false;
}

/*
 * Whether a structure that was read, of less than a page, can be written to without a
 * page fault: its ends, with what is there.
 */
static bool map_memory_now_writable(const void *structure, void __user *ustructure,
				    size_t size)
{
	unsigned int last = size / sizeof(u64) - 1;
	u64 __user *uwords = ustructure;
	const u64 *words = structure;

	pagefault_disable();
	if (!user_write_access_begin(ustructure, size))
		goto enable;

	unsafe_put_user(words[0], &uwords[0], fault);
	unsafe_put_user(words[last], &uwords[last], fault);

	user_write_access_end();
	pagefault_enable();
	return true;

fault:
	user_write_access_end();
enable:
	pagefault_enable();
	return false;
}

/* Whether it may be one that is done at once, by the first mapping. */
static bool map_memory_now_read_batch(struct map_memory_now *now)
{
	const struct kvm_map_memory_batch *batch = &now->batch;
	struct kvm_memory_mapping mapping;

	BUILD_BUG_ON(sizeof(*batch) % sizeof(u64) || sizeof(*batch) > PAGE_SIZE);

	if (!map_memory_now_read(&now->batch, now->ubatch, sizeof(*batch)))
		return false;

	now->umappings = u64_to_user_ptr(batch->mappings);
	return batch->nr_mappings <= MAP_MEMORY_NOW_MAPPINGS && !batch->progress &&
	       !(batch->flags & ~KVM_MAP_MEMORY_KEEP_HELPERS) &&
	       !kvm_map_memory_check_batch(batch) &&
	       map_memory_now_read(&mapping, now->umappings, sizeof(mapping)) &&
	       mapping.flags & KVM_MEMORY_MAPPING_RESIDENT;
}

/* Whether it asks for nothing but resident pages, and for few. */
static bool map_memory_now_read_mappings(struct map_memory_now *now)
{
	const struct kvm_memory_mapping *mapping = now->mappings;
	const size_t size = now->batch.nr_mappings * sizeof(*mapping);
	u64 limit = kvm_arch_map_memory_end();
	unsigned int i;

	BUILD_BUG_ON(sizeof(*mapping) % sizeof(u64) ||
		     MAP_MEMORY_NOW_MAPPINGS * sizeof(*mapping) > PAGE_SIZE);

	if (!map_memory_now_read(now->mappings, now->umappings, size))
		return false;

	now->total = 0;
	for (i = 0; i < now->batch.nr_mappings; i++, mapping++) {
		if (kvm_map_memory_check_mapping(mapping, limit) ||
		    !(mapping->flags & KVM_MEMORY_MAPPING_RESIDENT) ||
		    mapping->size > MAP_MEMORY_NOW_BYTES - now->total)
			return false;
		now->total += mapping->size;
	}

	return now->total;
}

/*
 * The structures are the kernel's from here on, as what they ask for is valid.  The
 * results will wait for nothing, unless somebody takes them away meanwhile.
 */
static bool map_memory_now_takes_results(const struct map_memory_now *now)
{
	return map_memory_now_writable(&now->batch, now->ubatch, sizeof(now->batch)) &&
	       map_memory_now_writable(now->mappings, now->umappings,
				       now->batch.nr_mappings * sizeof(*now->mappings));
}

/*
 * Map or skip all pages, which for resident ones needs no wait, unless memory is just
 * changing.  False then, and if it is not possible.
 */
static bool map_memory_now_walk(struct kvm_map_memory_context *context,
				struct kvm_map_memory_walk *walk)
{
	while (walk->gpa < walk->end || kvm_map_memory_walk_next(walk)) {
		if (kvm_arch_map_memory(context, walk) <= 0)
			return false;
	}

	return true;
}

/* All is done. */
static int map_memory_now_write(const struct map_memory_now *now,
				const struct kvm_map_memory_count *count)
{
	struct kvm_map_memory_batch __user *ubatch = now->ubatch;
	const struct kvm_memory_mapping *mapping = now->mappings;
	unsigned int i, nr = now->batch.nr_mappings;

	if (!user_write_access_begin(ubatch, sizeof(*ubatch)))
		return -EFAULT;
	unsafe_put_user(count->mapped, &ubatch->bytes_mapped, fault);
	unsafe_put_user(count->present, &ubatch->bytes_present, fault);
	unsafe_put_user(count->skipped, &ubatch->bytes_skipped, fault);
	unsafe_put_user(1, &ubatch->workers_used, fault);
	unsafe_put_user(nr, &ubatch->first_undone, fault);
	user_write_access_end();

	if (!user_write_access_begin(now->umappings, nr * sizeof(*mapping)))
		return -EFAULT;
	for (i = 0; i < nr; i++, mapping++) {
		unsafe_put_user(mapping->base_address + mapping->size,
				&now->umappings[i].base_address, fault);
		unsafe_put_user(0, &now->umappings[i].size, fault);
	}
	user_write_access_end();

	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* The batch as a job that has one worker, and is never seen running. */
static int map_memory_now_job(struct map_memory_pool *pool,
			      struct kvm_map_memory_context *context,
			      const struct map_memory_now *now)
{
	const struct kvm_map_memory_batch *batch = &now->batch;
	struct kvm_map_memory_walk walk = {
		.mapping = now->mappings,
		.gpa = now->mappings->base_address,
		.end = now->mappings->base_address + now->mappings->size,
		.nr_following = batch->nr_mappings - 1,
		.no_task_work = true,
	};
	const struct kvm_map_memory_count *count = &walk.count;
	u64 id = kvm_map_memory_job_new_id();
	int r = -EAGAIN;
	bool done;

	trace_kvm_map_memory_submit(id, pool->kvm->userspace_pid, now->total,
				    batch->nr_mappings, 1, batch->flags);
	trace_kvm_map_memory_chunk_begin(id, walk.gpa, walk.end - walk.gpa,
					 batch->nr_mappings);
	done = map_memory_now_walk(context, &walk);
	trace_kvm_map_memory_chunk_end(id, count->mapped, count->present, count->skipped);

	if (done) {
		r = map_memory_now_write(now, count);
		kvm_map_memory_stats_now(pool, count, r);
	}
	trace_kvm_map_memory_done(id, r, count->mapped, count->present, count->skipped, 1);
	return r;
}

/*
 * KVM_MAP_MEMORY_BATCH by io_uring, in the thread that submits, which may hold locks
 * of io_uring's and must not run task work.  Returns -EAGAIN if that is not possible.
 */
int kvm_map_memory_now(struct kvm *kvm, struct kvm_map_memory_batch __user *ubatch)
{
	struct map_memory_now now __uninitialized;
	struct map_memory_spare *spare;
	struct map_memory_pool *pool;
	int r = -EAGAIN;

	now.ubatch = ubatch;
	if (!map_memory_now_read_batch(&now) || !kvm_arch_map_memory_supported(kvm))
		return -EAGAIN;

	pool = kvm_map_memory_pool_get(kvm);
	if (!pool)
		return -EAGAIN;

	spare = kvm_map_memory_pool_take_spare(pool);
	if (!spare)
		return -EAGAIN;

	now.mappings = spare->mappings;
	if (map_memory_now_read_mappings(&now) && map_memory_now_takes_results(&now))
		r = map_memory_now_job(pool, spare->context, &now);

	kvm_map_memory_pool_set_spare(pool, spare);
	return r;
}
