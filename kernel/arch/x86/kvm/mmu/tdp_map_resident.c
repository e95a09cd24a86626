// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: pages that are in the host's memory, several with one hold of
 * mmu_lock: small ones below one leaf table at a time (tdp_map_leaf.c), huge ones
 * one SPTE after the other.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>

#include "mmu.h"
#include "mmu_internal.h"
#include "spte.h"
#include "tdp_map.h"
#include "tdp_mmu.h"

/* For the slot's pages in the leaf table at the start of the walk. */
static void tdp_map_init_leaf(struct tdp_map_leaf *leaf,
			      const struct kvm_memory_slot *slot,
			      const struct kvm_map_memory_walk *walk)
{
	gfn_t gfn = gpa_to_gfn(walk->gpa);

	leaf->slot = slot;
	leaf->flags = walk->mapping->flags;
	leaf->table_gfn = ALIGN_DOWN(gfn, KVM_PAGES_PER_HPAGE(PG_LEVEL_2M));
	leaf->start = max(leaf->table_gfn, slot->base_gfn);
	leaf->end = min(leaf->table_gfn + KVM_PAGES_PER_HPAGE(PG_LEVEL_2M),
			slot->base_gfn + slot->npages);
	leaf->write = kvm_tdp_map_wants_write(slot, walk);
	leaf->prefetch = kvm_tdp_map_prefetch();
	leaf->resident = kvm_tdp_map_wants_resident(walk);
	leaf->leaf_table = NULL;
	leaf->spte_bits = 0;
	leaf->new_table = NULL;

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
 * The next pages of the walk, also those of mappings that follow.  @walk goes to
 * where it will be once all of them are done.
 */
static void tdp_map_collect(struct tdp_map_leaf *leaf,
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

/* The first @nr pages that were collected are done. */
static void tdp_map_pass(struct kvm_map_memory_walk *walk, unsigned int nr)
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

	return tdp_map_is_stable(kvm, leaf->table_gfn + first,
				 leaf->table_gfn + last + 1);
}

static bool tdp_map_is_small(struct kvm *kvm, const struct tdp_map_leaf *leaf,
			     gfn_t gfn)
{
	return kvm_slot_dirty_track_enabled(leaf->slot) ||
	       kvm_mmu_max_mapping_level(kvm, leaf->slot, gfn,
					 KVM_MAX_HUGEPAGE_LEVEL) == PG_LEVEL_4K;
}

static bool tdp_map_needs_break(struct kvm *kvm)
{
	return need_resched() || rwlock_needbreak(&kvm->mmu_lock);
}

/* SPTEs of huge pages that are made with one hold of mmu_lock, at most. */
#define TDP_MAP_HUGE_PAGES	16

/* Returns as kvm_tdp_map_fault_page() does, or -ENOENT if that has to do it. */
static int tdp_map_huge_page(struct kvm_vcpu *vcpu, const struct tdp_map_leaf *leaf,
			     struct kvm_memory_slot *slot,
			     struct kvm_map_memory_walk *walk)
{
	struct kvm_page_fault fault = kvm_tdp_map_make_fault(vcpu, slot, walk);
	int r = RET_PF_SPURIOUS;

	if (!tdp_map_is_stable(vcpu->kvm, fault.gfn, fault.gfn + 1))
		return 0;

	if (!kvm_tdp_map_page_present(vcpu, &fault)) {
		if (!kvm_host_mapping_read_huge(vcpu->kvm, leaf, fault.gfn, &fault.pfn))
			return -ENOENT;
		fault.map_writable = leaf->map_writable;
		r = kvm_tdp_mmu_map(vcpu, &fault);
	}

	return kvm_tdp_map_finish_fault(&fault, r, walk);
}

/* Under mmu_lock, with a valid root. */
static enum tdp_map_result tdp_map_huge_pages(struct kvm_vcpu *vcpu,
					      const struct tdp_map_leaf *leaf,
					      struct kvm_memory_slot *slot,
					      struct kvm_map_memory_walk *walk)
{
	gpa_t end = min(walk->end, gfn_to_gpa(slot->base_gfn + slot->npages));
	unsigned int nr;
	int r;

	for (nr = 0; nr < TDP_MAP_HUGE_PAGES && walk->gpa < end; nr++) {
		if (nr && (!kvm_tdp_map_topped_up(vcpu) ||
			   tdp_map_needs_break(vcpu->kvm)))
			break;

		r = tdp_map_huge_page(vcpu, leaf, slot, walk);
		if (r <= 0)
			break;
	}

	if (nr)
		return TDP_MAP_ADVANCED;

	/* It is there, but may have to be made writable, which can take any time. */
	return r == 0 ? TDP_MAP_RETRY : TDP_MAP_MISSING;
}

/* Under mmu_lock, with a valid root. */
static enum tdp_map_result tdp_map_small_pages(struct kvm_vcpu *vcpu,
					       struct tdp_map_leaf *leaf,
					       struct kvm_map_memory_walk *walk)
{
	enum tdp_map_result result = TDP_MAP_MISSING;
	struct kvm_map_memory_walk ahead;
	unsigned int done;

	for (;;) {
		ahead = *walk;
		tdp_map_collect(leaf, &ahead);
		if (!leaf->nr)
			return result;
		if (!tdp_map_leaf_is_stable(vcpu->kvm, leaf))
			return result == TDP_MAP_ADVANCED ? result : TDP_MAP_RETRY;

		kvm_tdp_mmu_map_leaf(vcpu, leaf);

		done = leaf->nr_mapped + leaf->nr_present + leaf->nr_skipped;
		if (!done)
			return result;

		result = TDP_MAP_ADVANCED;
		walk->count.mapped += (u64)leaf->nr_mapped << PAGE_SHIFT;
		walk->count.present += (u64)leaf->nr_present << PAGE_SHIFT;
		walk->count.skipped += (u64)leaf->nr_skipped << PAGE_SHIFT;
		if (done < leaf->nr) {
			tdp_map_pass(walk, done);
			return result;
		}

		ahead.count = walk->count;
		*walk = ahead;
		if (tdp_map_needs_break(vcpu->kvm))
			return result;
	}
}

enum tdp_map_result kvm_tdp_map_resident(struct kvm_vcpu *vcpu,
					 struct tdp_map_leaf *leaf,
					 struct kvm_memory_slot *slot,
					 struct kvm_map_memory_walk *walk)
{
	const struct kvm_map_memory_walk start = *walk;
	gfn_t gfn = gpa_to_gfn(walk->gpa);
	struct kvm *kvm = vcpu->kvm;
	enum tdp_map_result result;

	/*
	 * There each page has to be asked for its attributes, also in a slot that
	 * has nothing but shared memory.
	 */
	if (kvm_arch_has_private_mem(kvm))
		return TDP_MAP_UNFIT;

	tdp_map_init_leaf(leaf, slot, walk);

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	/* Nothing that is being invalidated tells how large pages are. */
	if (!kvm_tdp_map_root_valid(vcpu) || !tdp_map_is_stable(kvm, gfn, gfn + 1))
		result = TDP_MAP_RETRY;
	else if (tdp_map_is_small(kvm, leaf, gfn))
		result = tdp_map_small_pages(vcpu, leaf, walk);
	else
		result = tdp_map_huge_pages(vcpu, leaf, slot, walk);
	/* Another thread has made a table at the same place: go on with that one. */
	if (leaf->new_table && !kvm_tdp_mmu_link_leaf(vcpu, leaf)) {
		*walk = start;
		result = TDP_MAP_RETRY;
	}
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);

	return result;
}
