// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: pages that are in the host's memory, several with one hold of
 * mmu_lock, as large as they can be mapped: those of one leaf table (tdp_map_leaf.c).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>

#include "mmu.h"
#include "mmu_internal.h"
#include "spte.h"
#include "tdp_map.h"
#include "tdp_mmu.h"

/* For fewer, looking at each page is less than looking for the VMA. */
#define TDP_MAP_KNOWN_BYTES	(8 * PAGE_SIZE)

/* As large as the next page can be mapped. */
static u8 tdp_map_level(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn)
{
	if (kvm_slot_dirty_track_enabled(slot))
		return PG_LEVEL_4K;

	return kvm_tdp_map_max_level(kvm, slot, gfn);
}

/* For the slot's pages of a size, in the leaf table at the start of the walk. */
static void tdp_map_init_leaf(struct tdp_map_leaf *leaf, struct kvm *kvm,
			      const struct kvm_memory_slot *slot,
			      const struct kvm_map_memory_walk *walk)
{
	gfn_t gfn = gpa_to_gfn(walk->gpa);
	u8 level = tdp_map_level(kvm, slot, gfn);
	gfn_t nr = KVM_PAGES_PER_HPAGE(level + 1);
	bool known = walk->arch_known.seq == kvm->mmu_invalidate_seq;

	leaf->slot = slot;
	leaf->flags = walk->mapping->flags;
	leaf->level = level;
	leaf->table_gfn = ALIGN_DOWN(gfn, nr);
	leaf->start = max(leaf->table_gfn, slot->base_gfn);
	leaf->end = min(leaf->table_gfn + nr, slot->base_gfn + slot->npages);
	leaf->write = kvm_tdp_map_wants_write(slot, walk);
	leaf->prefetch = kvm_tdp_map_prefetch();
	leaf->resident = kvm_tdp_map_wants_resident(walk);
	leaf->leaf_table = NULL;
	leaf->spte_bits = 0;
	/* No page has these. */
	leaf->host_flags = ~(pteval_t)0;
	leaf->known_start = known ? walk->arch_known.start : 0;
	leaf->known_end = known ? walk->arch_known.end : 0;

	/*
	 * In a read-only slot nothing is mapped writable, nor in one with dirty
	 * logging, see tdp_map_fault().  Else a read maps writable what can
	 * be, and leaves out pages that cannot be.
	 */
	leaf->host_write = !(slot->flags & KVM_MEM_READONLY);
	leaf->map_writable = leaf->host_write && !kvm_slot_dirty_track_enabled(slot);
}

static void tdp_map_add_pages(struct tdp_map_leaf *leaf, unsigned int index,
			      unsigned int nr)
{
	unsigned int i;

	if (!leaf->nr) {
		leaf->first = index;
		leaf->neighbours = true;
	} else if (leaf->neighbours && index != leaf->first + leaf->nr) {
		for (i = 0; i < leaf->nr; i++)
			leaf->index[i] = leaf->first + i;
		leaf->neighbours = false;
	}

	if (leaf->neighbours) {
		leaf->nr += nr;
	} else {
		while (nr--)
			leaf->index[leaf->nr++] = index++;
	}
}

/*
 * The next small pages of the walk, also those of mappings that follow.  @walk goes on
 * behind them.
 */
static void tdp_map_collect_small(struct tdp_map_leaf *leaf,
				  struct kvm_map_memory_walk *walk)
{
	gfn_t gfn, end, stop;

	leaf->nr = 0;
	do {
		gfn = gpa_to_gfn(walk->gpa);
		end = gpa_to_gfn(walk->end);
		if (gfn == end)
			continue;

		if (walk->mapping->flags != leaf->flags ||
		    gfn < leaf->start || gfn >= leaf->end)
			return;

		stop = min3(end, leaf->end, gfn + TDP_MAP_LEAF_PAGES - leaf->nr);
		if (gfn < stop)
			tdp_map_add_pages(leaf, gfn - leaf->table_gfn, stop - gfn);
		walk->gpa = gfn_to_gpa(stop);
	} while (kvm_map_memory_walk_next(walk));
}

/* Whether page tables of KVM's forbid a page of @level at @gfn, or the slot's edges do. */
static bool tdp_map_forbids_huge(const struct kvm_memory_slot *slot, gfn_t gfn, u8 level)
{
	unsigned long index = gfn_to_index(gfn, slot->base_gfn, level);

	return slot->arch.lpage_info[level - PG_LEVEL_2M][index].disallow_lpage;
}

/* The same for huge pages of one mapping, whose edges may be inside of them. */
static void tdp_map_collect_huge(struct tdp_map_leaf *leaf,
				 const struct kvm_map_memory_walk *walk)
{
	gfn_t nr = KVM_PAGES_PER_HPAGE(leaf->level);
	gfn_t gfn = ALIGN_DOWN(gpa_to_gfn(walk->gpa), nr);
	gfn_t end = min(gpa_to_gfn(walk->end), leaf->end);

	leaf->nr = 0;
	/* It may have ended inside of a page. */
	if (walk->gpa == walk->end)
		return;

	leaf->neighbours = true;
	leaf->first = (gfn - leaf->table_gfn) / nr;
	for (; leaf->nr < TDP_MAP_LEAF_PAGES && gfn < end; leaf->nr++) {
		if (tdp_map_forbids_huge(leaf->slot, gfn, leaf->level))
			break;
		gfn += nr;
	}
}

/* The first @nr pages that were collected are done. */
static void tdp_map_pass_small(struct kvm_map_memory_walk *walk, unsigned int nr)
{
	u64 left = (u64)nr << PAGE_SHIFT, step;

	for (;;) {
		step = min(left, walk->end - walk->gpa);
		walk->gpa += step;
		left -= step;
		if (!left)
			return;
		kvm_map_memory_walk_next(walk);
	}
}

/* Each counts with that part of it which is the mapping's. */
static void tdp_map_pass_huge(const struct tdp_map_leaf *leaf,
			      struct kvm_map_memory_walk *walk, unsigned int nr)
{
	unsigned int i;
	gpa_t next;
	u64 *count;

	for (i = 0; i < nr; i++) {
		next = gfn_to_gpa(tdp_map_leaf_gfn(leaf, leaf->first + i + 1));
		next = min(next, walk->end);
		/* Without progress a walk would go on for ever. */
		WARN_ON_ONCE(next <= walk->gpa);
		if (leaf->absent & BIT_ULL(i))
			count = &walk->count.skipped;
		else if (leaf->present & BIT_ULL(i))
			count = &walk->count.present;
		else
			count = &walk->count.mapped;
		*count += next - walk->gpa;
		walk->gpa = next;
	}
}

/*
 * As long as mmu_lock is held no invalidation can begin, and where none is under
 * way the host's page tables are what the SPTEs may say: pages found there need
 * no mmu_invalidate_seq.
 */
static bool tdp_map_is_stable(struct kvm *kvm, gfn_t start, gfn_t end)
{
	lockdep_assert_held_read(&kvm->mmu_lock);

	return !kvm->mmu_invalidate_in_progress ||
	       start >= kvm->mmu_invalidate_range_end ||
	       end <= kvm->mmu_invalidate_range_start;
}

static bool tdp_map_leaf_is_stable(struct kvm *kvm, const struct tdp_map_leaf *leaf)
{
	unsigned int i, index, first = U16_MAX, last = 0;

	if (likely(!kvm->mmu_invalidate_in_progress))
		return true;

	for (i = 0; i < leaf->nr; i++) {
		index = tdp_map_leaf_index(leaf, i, leaf->neighbours);
		first = min(first, index);
		last = max(last, index);
	}

	return tdp_map_is_stable(kvm, tdp_map_leaf_gfn(leaf, first),
				 tdp_map_leaf_gfn(leaf, last + 1));
}

static bool tdp_map_needs_break(struct kvm *kvm)
{
	return need_resched() || rwlock_needbreak(&kvm->mmu_lock);
}

/*
 * Returns whether all @nr pages that were collected are done, from @start on.  Small
 * ones: @walk is behind them.
 */
static bool tdp_map_pass(const struct tdp_map_leaf *leaf, unsigned int nr,
			 struct kvm_map_memory_walk *walk,
			 const struct kvm_map_memory_place *start)
{
	unsigned int done = leaf->nr_mapped + leaf->nr_present + leaf->nr_skipped;

	if (leaf->level != PG_LEVEL_4K) {
		tdp_map_pass_huge(leaf, walk, done);
		return done == nr;
	}

	walk->count.mapped += (u64)leaf->nr_mapped << PAGE_SHIFT;
	walk->count.present += (u64)leaf->nr_present << PAGE_SHIFT;
	walk->count.skipped += (u64)leaf->nr_skipped << PAGE_SHIFT;
	if (done == nr)
		return true;

	kvm_map_memory_walk_return(walk, start);
	tdp_map_pass_small(walk, done);
	return false;
}

/* Under mmu_lock, with a valid root. */
static enum tdp_map_result tdp_map_pages(struct kvm_vcpu *vcpu,
					 struct tdp_map_leaf *leaf,
					 struct kvm_map_memory_walk *walk)
{
	enum tdp_map_result result, before = TDP_MAP_MISSING;
	struct kvm_map_memory_place start;
	unsigned int nr;

	for (;;) {
		start = kvm_map_memory_walk_place(walk);
		if (leaf->level == PG_LEVEL_4K)
			tdp_map_collect_small(leaf, walk);
		else
			tdp_map_collect_huge(leaf, walk);
		nr = leaf->nr;
		if (!nr)
			return before;

		if (!tdp_map_leaf_is_stable(vcpu->kvm, leaf))
			result = TDP_MAP_RETRY;
		else
			result = kvm_tdp_mmu_map_leaf(vcpu, leaf);
		if (result != TDP_MAP_ADVANCED) {
			kvm_map_memory_walk_return(walk, &start);
			return before == TDP_MAP_ADVANCED ? before : result;
		}

		before = result;
		if (!tdp_map_pass(leaf, nr, walk, &start) || tdp_map_needs_break(vcpu->kvm))
			return result;
	}
}

/* Under mmu_lock: skip memory of which the host has not even a leaf table. */
static bool tdp_map_skip_hole(struct kvm *kvm, const struct kvm_memory_slot *slot,
			      struct kvm_map_memory_walk *walk)
{
	gpa_t next;

	/* A walk of the host's page tables: for a few pages that is too much. */
	if (!kvm_tdp_map_wants_resident(walk) || walk->end - walk->gpa < PMD_SIZE)
		return false;

	next = gfn_to_gpa(kvm_host_mapping_hole_end(kvm, slot, gpa_to_gfn(walk->gpa)));
	next = min(next, walk->end);
	if (next == walk->gpa)
		return false;

	walk->count.skipped += next - walk->gpa;
	walk->gpa = next;
	return true;
}

enum tdp_map_result kvm_tdp_map_resident(struct kvm_vcpu *vcpu,
					 struct tdp_map_leaf *leaf,
					 struct kvm_memory_slot *slot,
					 struct kvm_map_memory_walk *walk)
{
	const struct kvm_map_memory_place start = kvm_map_memory_walk_place(walk);
	const struct kvm_map_memory_count count = walk->count;
	gfn_t gfn = gpa_to_gfn(walk->gpa);
	struct kvm *kvm = vcpu->kvm;
	enum tdp_map_result result;

	/*
	 * There each page has to be asked for its attributes, also in a slot that
	 * has nothing but shared memory.
	 */
	if (kvm_arch_has_private_mem(kvm) || kvm_tdp_map_is_gmem_only(slot))
		return TDP_MAP_UNFIT;

	if (walk->nr_following || walk->end - walk->gpa >= TDP_MAP_KNOWN_BYTES)
		kvm_host_mapping_know(kvm, walk, __gfn_to_hva_memslot(slot, gfn));
	else
		kvm_host_mapping_forget(walk);

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	leaf->new_table = NULL;
	/* Nothing that is being invalidated tells how large pages are. */
	if (!kvm_tdp_map_root_valid(vcpu) || !tdp_map_is_stable(kvm, gfn, gfn + 1)) {
		result = TDP_MAP_RETRY;
	} else if (tdp_map_skip_hole(kvm, slot, walk)) {
		result = TDP_MAP_ADVANCED;
	} else {
		tdp_map_init_leaf(leaf, kvm, slot, walk);
		result = tdp_map_pages(vcpu, leaf, walk);
	}
	/* Another thread has made a table at the same place: go on with that one. */
	if (leaf->new_table && !kvm_tdp_mmu_link_leaf(vcpu, leaf)) {
		kvm_map_memory_walk_return(walk, &start);
		walk->count = count;
		result = TDP_MAP_RETRY;
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);

	return result;
}
