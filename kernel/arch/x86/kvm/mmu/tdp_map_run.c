// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: small pages into one leaf table of the TDP MMU, with one walk
 * and one hold of mmu_lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "map_memory.h"
#include "mmu.h"
#include "mmu_internal.h"
#include "mmutrace.h"
#include "page_track.h"
#include "spte.h"
#include "tdp_iter.h"
#include "tdp_mmu.h"

enum tdp_map_run_leaf {
	TDP_LEAF_FOUND,
	/* No table yet. */
	TDP_LEAF_MISSING,
	/* A huge page, or a table that is going away. */
	TDP_LEAF_OTHER,
};

static enum tdp_map_run_leaf tdp_map_run_walk(struct kvm_vcpu *vcpu,
					      struct tdp_map_run *run, bool alloc)
{
	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);
	struct kvm_mmu_page *sp;
	struct tdp_iter iter;

	for_each_tdp_pte(iter, root, run->table_gfn, run->table_gfn + 1) {
		if (is_frozen_spte(iter.old_spte))
			return TDP_LEAF_OTHER;

		if (iter.level == PG_LEVEL_4K) {
			run->leaf_table = rcu_dereference(iter.sptep);
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
		if (tdp_mmu_link_sp(vcpu->kvm, &iter, sp, true)) {
			tdp_mmu_free_sp(sp);
			return TDP_LEAF_OTHER;
		}
	}

	return TDP_LEAF_OTHER;
}

/* As in kvm_tdp_mmu_map(): what is present stays, unless it can be improved. */
static bool tdp_map_run_keeps(const struct tdp_map_run *run, u64 spte)
{
	return is_shadow_present_pte(spte) &&
	       (is_writable_pte(spte) || !run->write || !run->map_writable);
}

static bool tdp_map_run_fills(u64 spte)
{
	return !is_shadow_present_pte(spte) && !is_frozen_spte(spte);
}

/* All SPTEs of a run are alike but for the pfn, if gfns are not write-tracked. */
static u64 tdp_map_run_make_spte(struct kvm_vcpu *vcpu, struct tdp_map_run *run,
				 u64 *sptep, gfn_t gfn, kvm_pfn_t pfn)
{
	u64 spte;

	if (run->spte_bits)
		return run->spte_bits | (pfn << PAGE_SHIFT);

	make_spte(vcpu, sptep_to_sp(sptep), run->slot, ACC_ALL, gfn, pfn,
		  SHADOW_NONPRESENT_VALUE, run->prefetch, true, run->map_writable,
		  &spte);

	if (!kvm_page_track_write_tracking_enabled(vcpu->kvm))
		run->spte_bits = spte ^ (pfn << PAGE_SHIFT);

	return spte;
}

/* Mark in run->pfns which of the pages have an SPTE that is good enough. */
static void tdp_map_run_scan(struct tdp_map_run *run)
{
	const u64 *table = run->leaf_table;
	unsigned int i;

	for (i = 0; i < run->nr; i++)
		run->pfns[i] = table && tdp_map_run_keeps(run, READ_ONCE(table[run->index[i]])) ?
			       TDP_MAP_RUN_PRESENT : 0;
}

/* Install SPTEs for run->pfns, until one place is taken. */
static void tdp_map_run_install(struct kvm_vcpu *vcpu, struct tdp_map_run *run,
				unsigned int nr)
{
	u64 old_spte, spte, *sptep, *table = run->leaf_table;
	unsigned int i, nr_present = 0;
	gfn_t gfn;

	for (i = 0; i < nr; i++) {
		if (run->pfns[i] == TDP_MAP_RUN_PRESENT) {
			nr_present++;
			continue;
		}

		gfn = run->table_gfn + run->index[i];
		sptep = table + run->index[i];
		spte = tdp_map_run_make_spte(vcpu, run, sptep, gfn, run->pfns[i]);

		/*
		 * Whoever made it present, or froze it, was first.  Filling an
		 * SPTE that was not present needs no TLB flush and leaves
		 * nothing to account for but the page.
		 */
		old_spte = READ_ONCE(*sptep);
		if (!tdp_map_run_fills(old_spte) ||
		    !try_cmpxchg64(sptep, &old_spte, spte))
			break;

		trace_kvm_tdp_mmu_spte_changed(0, gfn, PG_LEVEL_4K, old_spte, spte);
	}

	run->nr_present = nr_present;
	run->nr_mapped = i - nr_present;
}

/*
 * Map the pages of @run from its first on, until one of them is not simply
 * there, or its SPTE is not simply empty or good enough already.
 *
 * The caller holds mmu_lock for reading, has found the root valid and no
 * invalidation of these pages in progress, and has filled the caches of @vcpu.
 * While the caller stays in one RCU section, @run can go on to other pages below
 * the same leaf table.
 */
void kvm_tdp_mmu_map_run(struct kvm_vcpu *vcpu, struct tdp_map_run *run)
{
	unsigned int nr;

	lockdep_assert_held_read(&vcpu->kvm->mmu_lock);
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "leaf tables are freed by RCU");

	run->nr_mapped = 0;
	run->nr_present = 0;
	run->nr_skipped = 0;

	if (!run->leaf_table && tdp_map_run_walk(vcpu, run, false) == TDP_LEAF_OTHER)
		return;

	tdp_map_run_scan(run);
	nr = host_mapping_read(vcpu->kvm, run) ?: host_mapping_get(run);
	if (!nr) {
		if (run->resident)
			run->nr_skipped = host_mapping_count_absent(vcpu->kvm, run);
		return;
	}

	/*
	 * Tables are made only for pages that are there: when they come they
	 * may come as a huge page, and then a table would be in its way.
	 */
	if (!run->leaf_table && tdp_map_run_walk(vcpu, run, true) != TDP_LEAF_FOUND)
		return;

	tdp_map_run_install(vcpu, run, nr);
	if (run->nr_mapped)
		kvm_update_page_stats(vcpu->kvm, PG_LEVEL_4K, run->nr_mapped);
}
