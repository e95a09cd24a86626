// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: pages of one size into one table of the TDP MMU, with one walk and
 * one hold of mmu_lock.
 *
 * If there is no table yet, a new one is filled before others can see it, and linked
 * at the end of that hold, during which no invalidation can begin: to all others it
 * looks as if its SPTEs were installed at that moment.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mmu.h"
#include "mmu_internal.h"
#include "mmutrace.h"
#include "page_track.h"
#include "spte.h"
#include "tdp_iter.h"
#include "tdp_map.h"
#include "tdp_mmu.h"

enum tdp_map_leaf_state {
	TDP_LEAF_FOUND,
	/* No table yet. */
	TDP_LEAF_MISSING,
	/* A page larger than these, or a table that is going away. */
	TDP_LEAF_OTHER,
};

static enum tdp_map_leaf_state tdp_map_leaf_find(struct kvm_vcpu *vcpu,
						 struct tdp_map_leaf *leaf, bool alloc)
{
	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);
	struct kvm_mmu_page *sp;
	struct tdp_iter iter;

	for (kvm_tdp_map_iter_start(&iter, vcpu->kvm, root, leaf->table_gfn);
	     iter.valid && iter.gfn <= leaf->table_gfn; tdp_iter_next(&iter)) {
		if (is_frozen_spte(iter.old_spte))
			return TDP_LEAF_OTHER;

		if (iter.level == leaf->level) {
			leaf->leaf_table = rcu_dereference(iter.sptep);
			return TDP_LEAF_FOUND;
		}

		if (is_shadow_present_pte(iter.old_spte)) {
			if (is_large_pte(iter.old_spte))
				return TDP_LEAF_OTHER;
			continue;
		}

		if (!alloc)
			return TDP_LEAF_MISSING;

		sp = tdp_mmu_alloc_sp(vcpu);
		tdp_mmu_init_child_sp(sp, &iter);
		if (iter.level == leaf->level + 1) {
			leaf->new_table = sp;
			leaf->leaf_table = sp->spt;
			leaf->parent = iter;
			leaf->nr_new = 0;
			return TDP_LEAF_FOUND;
		}

		/* If another thread was first, the walk goes on with what that has made. */
		if (tdp_mmu_link_sp(vcpu->kvm, &iter, sp, true))
			kvm_tdp_map_free_table(sp);
	}

	return TDP_LEAF_OTHER;
}

/*
 * The bits of an SPTE that is good enough.  As in kvm_tdp_mmu_map(), what is present
 * stays, unless it can be improved.  A table in the place of a huge page can.
 */
static u64 tdp_map_leaf_kept_bits(const struct tdp_map_leaf *leaf)
{
	u64 bits = SPTE_MMU_PRESENT_MASK;

	if (leaf->level > PG_LEVEL_4K)
		bits |= PT_PAGE_SIZE_MASK;
	if (leaf->write && leaf->map_writable)
		bits |= PT_WRITABLE_MASK;

	return bits;
}

static bool tdp_map_leaf_fills(u64 spte)
{
	return !is_shadow_present_pte(spte) && !is_frozen_spte(spte);
}

/* The SPTEs differ only in the pfn, unless gfns are write-tracked. */
static noinline u64 tdp_map_leaf_make_first_spte(struct kvm_vcpu *vcpu,
						 struct tdp_map_leaf *leaf, u64 *sptep,
						 unsigned int index, kvm_pfn_t pfn)
{
	gfn_t gfn = tdp_map_leaf_gfn(leaf, index);
	u64 spte;

	spte = kvm_tdp_map_make_spte(vcpu, sptep_to_sp(sptep), leaf->slot, gfn, pfn,
				     leaf->prefetch, leaf->map_writable);

	if (!kvm_page_track_write_tracking_enabled(vcpu->kvm))
		leaf->spte_bits = spte ^ (pfn << PAGE_SHIFT);

	return spte;
}

static __always_inline u64 tdp_map_leaf_make_spte(struct kvm_vcpu *vcpu,
						  struct tdp_map_leaf *leaf, u64 *sptep,
						  unsigned int index, kvm_pfn_t pfn)
{
	if (likely(leaf->spte_bits))
		return leaf->spte_bits | (pfn << PAGE_SHIFT);

	return tdp_map_leaf_make_first_spte(vcpu, leaf, sptep, index, pfn);
}

/*
 * Pass over small neighbours that have an SPTE that is good enough: in a table that was
 * filled before that is most often all of them.
 */
static void tdp_map_leaf_pass_present(struct tdp_map_leaf *leaf)
{
	const u64 bits = tdp_map_leaf_kept_bits(leaf), *sptes;
	unsigned int nr;

	if (!leaf->neighbours || leaf->level != PG_LEVEL_4K)
		return;

	sptes = leaf->leaf_table + leaf->first;
	for (nr = 0; nr < leaf->nr; nr++) {
		if ((READ_ONCE(sptes[nr]) & bits) != bits)
			break;
	}

	leaf->first += nr;
	leaf->nr -= nr;
	leaf->nr_present = nr;
}

/* Which of the pages have an SPTE that is good enough. */
static u64 tdp_map_leaf_scan(const struct tdp_map_leaf *leaf)
{
	const u64 bits = tdp_map_leaf_kept_bits(leaf), *table = leaf->leaf_table;
	bool neighbours = leaf->neighbours;
	unsigned int i, index;
	u64 present = 0;

	for (i = 0; i < leaf->nr; i++) {
		index = tdp_map_leaf_index(leaf, i, neighbours);
		if ((READ_ONCE(table[index]) & bits) == bits)
			present |= BIT_ULL(i);
	}

	return present;
}

/*
 * A thread that made it present, or froze it, was first.  Filling an SPTE that was not
 * present needs no TLB flush and leaves nothing to account for but the page.
 */
static __always_inline bool tdp_map_leaf_set_spte(const struct tdp_map_leaf *leaf,
						  u64 *sptep, unsigned int index, u64 spte)
{
	u64 old_spte = READ_ONCE(*sptep);

	if (!tdp_map_leaf_fills(old_spte) || !try_cmpxchg64(sptep, &old_spte, spte))
		return false;

	if (trace_kvm_tdp_mmu_spte_changed_enabled())
		trace_kvm_tdp_mmu_spte_changed(0, tdp_map_leaf_gfn(leaf, index),
					       leaf->level, old_spte, spte);
	return true;
}

/*
 * Install SPTEs for leaf->pfns, until one place is taken.  @new is for a table that is
 * not linked yet: there plain stores do.  Returns how many were installed.
 */
static __always_inline unsigned int __tdp_map_leaf_install(struct kvm_vcpu *vcpu,
							   struct tdp_map_leaf *leaf,
							   unsigned int nr, bool new,
							   bool neighbours)
{
	u64 left = tdp_map_leaf_mask(nr) & ~(leaf->present | leaf->absent), done;
	unsigned int i, index, nr_twice = 0;
	u64 spte, *sptep;

	for (; left; left &= left - 1) {
		i = __ffs64(left);
		index = tdp_map_leaf_index(leaf, i, neighbours);
		sptep = leaf->leaf_table + index;
		/* One that was asked for twice. */
		if (new && is_shadow_present_pte(*sptep)) {
			nr_twice++;
			continue;
		}

		spte = tdp_map_leaf_make_spte(vcpu, leaf, sptep, index, leaf->pfns[i]);
		if (new)
			*sptep = spte;
		else if (!tdp_map_leaf_set_spte(leaf, sptep, index, spte))
			break;
	}

	done = tdp_map_leaf_mask(left ? __ffs64(left) : nr);
	leaf->nr_present += hweight64(done & leaf->present) + nr_twice;
	leaf->nr_skipped = hweight64(done & leaf->absent);
	return hweight64(done & ~(leaf->present | leaf->absent)) - nr_twice;
}

static void tdp_map_leaf_install(struct kvm_vcpu *vcpu, struct tdp_map_leaf *leaf,
				 unsigned int nr)
{
	unsigned int nr_mapped;

	if (!leaf->new_table) {
		nr_mapped = __tdp_map_leaf_install(vcpu, leaf, nr, false, leaf->neighbours);
		if (nr_mapped)
			kvm_update_page_stats(vcpu->kvm, leaf->level, nr_mapped);
	} else {
		nr_mapped = __tdp_map_leaf_install(vcpu, leaf, nr, true, leaf->neighbours);
		leaf->nr_new += nr_mapped;
	}
	leaf->nr_mapped += nr_mapped;
}

/*
 * The same, for what is as easy as that: neighbours in a new table, which are like a
 * page before them.
 */
static void tdp_map_leaf_copy(struct kvm_vcpu *vcpu, struct tdp_map_leaf *leaf)
{
	unsigned int nr;

	if (!leaf->new_table || !leaf->neighbours || !leaf->spte_bits ||
	    leaf->level != PG_LEVEL_4K)
		return;

	nr = kvm_host_mapping_copy(vcpu->kvm, leaf);
	leaf->first += nr;
	leaf->nr -= nr;
	leaf->nr_new += nr;
	leaf->nr_mapped = nr;
}

/*
 * Map the pages of @leaf from its first on, until one of them is not simply
 * there, or its SPTE is not simply empty or good enough already.  The result says what
 * is the matter with the first page, if not even that one could be mapped.
 *
 * The caller holds mmu_lock for reading, has found the root valid and no
 * invalidation of these pages in progress, and has filled the caches of @vcpu.
 * While the caller stays in one RCU section and keeps the lock, @leaf can go on to
 * other pages below the same leaf table.  Before that ends the caller has to link a
 * table that is new.
 */
enum tdp_map_result kvm_tdp_mmu_map_leaf(struct kvm_vcpu *vcpu, struct tdp_map_leaf *leaf)
{
	unsigned int nr;
	bool scanned;

	lockdep_assert_held_read(&vcpu->kvm->mmu_lock);
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "leaf tables are freed by RCU");

	leaf->nr_mapped = 0;
	leaf->nr_present = 0;
	leaf->nr_skipped = 0;

	if (!leaf->leaf_table && tdp_map_leaf_find(vcpu, leaf, false) == TDP_LEAF_OTHER)
		return TDP_MAP_UNFIT;

	scanned = leaf->leaf_table && !leaf->new_table;
	if (scanned)
		tdp_map_leaf_pass_present(leaf);
	else
		tdp_map_leaf_copy(vcpu, leaf);
	if (!leaf->nr)
		return TDP_MAP_ADVANCED;

	leaf->present = scanned ? tdp_map_leaf_scan(leaf) : 0;
	leaf->absent = 0;

	nr = kvm_host_mapping_read(vcpu->kvm, leaf);
	if (!nr && leaf->level == PG_LEVEL_4K)
		nr = kvm_host_mapping_get(leaf);
	if (!nr)
		return leaf->nr_mapped || leaf->nr_present ? TDP_MAP_ADVANCED :
							     TDP_MAP_MISSING;

	/*
	 * Tables are made only for pages that are there: when they come they
	 * may come as a huge page, and then a table would be in its way.
	 */
	if (!leaf->leaf_table && (tdp_map_leaf_mask(nr) & ~leaf->absent) &&
	    tdp_map_leaf_find(vcpu, leaf, true) != TDP_LEAF_FOUND)
		return TDP_MAP_UNFIT;

	tdp_map_leaf_install(vcpu, leaf, nr);
	if (!leaf->nr_mapped && !leaf->nr_present && !leaf->nr_skipped)
		return TDP_MAP_UNFIT;

	return TDP_MAP_ADVANCED;
}

static void tdp_map_trace_new_table(const struct tdp_map_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < SPTE_ENT_PER_PAGE; i++) {
		if (is_shadow_present_pte(leaf->leaf_table[i]))
			trace_kvm_tdp_mmu_spte_changed(0, tdp_map_leaf_gfn(leaf, i),
						       leaf->level,
						       SHADOW_NONPRESENT_VALUE,
						       leaf->leaf_table[i]);
	}
}

/*
 * Link the new table of @leaf.  False if its place is taken: then nothing of what
 * kvm_tdp_mmu_map_leaf() has done to it counts.
 *
 * The compare-and-exchange orders the SPTEs before the link.  It fails also if the
 * parent is going away, as that freezes all of its entries first.
 */
bool kvm_tdp_mmu_link_leaf(struct kvm_vcpu *vcpu, struct tdp_map_leaf *leaf)
{
	lockdep_assert_held_read(&vcpu->kvm->mmu_lock);

	if (tdp_mmu_link_sp(vcpu->kvm, &leaf->parent, leaf->new_table, true)) {
		kvm_tdp_map_free_table(leaf->new_table);
		return false;
	}

	if (trace_kvm_tdp_mmu_spte_changed_enabled())
		tdp_map_trace_new_table(leaf);
	kvm_update_page_stats(vcpu->kvm, leaf->level, leaf->nr_new);
	return true;
}
