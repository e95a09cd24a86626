// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: a run of small pages into one leaf table of the TDP MMU, with
 * one walk and one hold of mmu_lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>

#include "map_memory.h"
#include "mmu.h"
#include "mmu_internal.h"
#include "mmutrace.h"
#include "page_track.h"
#include "spte.h"
#include "tdp_iter.h"
#include "tdp_mmu.h"

/* Pages looked up at a time: what fits on the stack. */
#define TDP_MAP_RUN_BATCH	64

enum tdp_map_run_leaf {
	TDP_LEAF_FOUND,
	/* No table yet. */
	TDP_LEAF_MISSING,
	/* A huge page, or a table that is going away. */
	TDP_LEAF_OTHER,
};

static enum tdp_map_run_leaf tdp_map_run_walk(struct kvm_vcpu *vcpu, gfn_t gfn,
					      bool alloc, u64 **sptep)
{
	struct kvm_mmu_page *root = root_to_sp(vcpu->arch.mmu->root.hpa);
	struct kvm_mmu_page *sp;
	struct tdp_iter iter;

	for_each_tdp_pte(iter, root, gfn, gfn + 1) {
		if (is_frozen_spte(iter.old_spte))
			return TDP_LEAF_OTHER;

		if (iter.level == PG_LEVEL_4K) {
			*sptep = rcu_dereference(iter.sptep);
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

static unsigned int tdp_map_run_count(const u64 *sptep, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && tdp_map_run_fills(READ_ONCE(sptep[i])); i++)
		;

	return i;
}

static u64 tdp_map_run_make_spte(struct kvm_vcpu *vcpu, const struct tdp_map_run *run,
				 u64 *sptep, gfn_t gfn, struct page *page)
{
	u64 spte;

	make_spte(vcpu, sptep_to_sp(sptep), run->slot, ACC_ALL, gfn,
		  page_to_pfn(page), SHADOW_NONPRESENT_VALUE, run->prefetch, true,
		  run->map_writable, &spte);

	return spte;
}

/*
 * Install SPTEs for @pages at @gfn, until one place is taken.  All SPTEs of a
 * run are alike but for the pfn, unless single gfns are write-tracked.
 */
static unsigned int tdp_map_run_install(struct kvm_vcpu *vcpu,
					const struct tdp_map_run *run, u64 *sptep,
					gfn_t gfn, struct page **pages,
					unsigned int nr)
{
	bool alike = !kvm_page_track_write_tracking_enabled(vcpu->kvm);
	u64 bits = 0, old_spte, spte;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		/* These may be mapped uncached, and are in no hurry. */
		if (unlikely(PageReserved(pages[i])))
			break;

		if (!i || !alike) {
			spte = tdp_map_run_make_spte(vcpu, run, sptep + i, gfn + i,
						     pages[i]);
			bits = spte ^ (page_to_pfn(pages[i]) << PAGE_SHIFT);
		}
		spte = bits | (page_to_pfn(pages[i]) << PAGE_SHIFT);

		/*
		 * Whoever made it present, or froze it, was first.  Filling an
		 * SPTE that was not present needs no TLB flush and leaves
		 * nothing to account for but the page.
		 */
		old_spte = READ_ONCE(sptep[i]);
		if (!tdp_map_run_fills(old_spte) ||
		    !try_cmpxchg64(sptep + i, &old_spte, spte))
			break;

		trace_kvm_tdp_mmu_spte_changed(0, gfn + i, PG_LEVEL_4K, old_spte, spte);
	}

	return i;
}

static unsigned int tdp_map_run_batch(struct kvm_vcpu *vcpu, struct tdp_map_run *run,
				      u64 **sptep, unsigned int done)
{
	unsigned int nr = min(run->nr - done, TDP_MAP_RUN_BATCH);
	struct page *pages[TDP_MAP_RUN_BATCH];
	unsigned int installed = 0;
	gfn_t gfn = run->gfn + done;
	int found, i;

	if (*sptep)
		nr = tdp_map_run_count(*sptep + done, nr);
	if (!nr)
		return 0;

	found = get_user_pages_fast_only(__gfn_to_hva_memslot(run->slot, gfn), nr,
					 run->host_write ? FOLL_WRITE : 0, pages);
	if (found <= 0)
		return 0;

	/*
	 * Tables are made only for pages that are there: when they come they
	 * may come as a huge page, and then a table would be in its way.
	 */
	if (*sptep || tdp_map_run_walk(vcpu, run->gfn, true, sptep) == TDP_LEAF_FOUND)
		installed = tdp_map_run_install(vcpu, run, *sptep + done, gfn,
						pages, found);

	/* The SPTE needs no reference: invalidation takes mmu_lock for writing. */
	for (i = 0; i < found; i++)
		put_page(pages[i]);

	return installed;
}

/*
 * Map pages of @run from its start on, until one of them is not simply there, or
 * its SPTE is not simply empty or good enough already.
 *
 * The caller holds mmu_lock for reading, has found the root valid and no
 * invalidation of these pages in progress, and has filled the caches of @vcpu.
 */
void kvm_tdp_mmu_map_run(struct kvm_vcpu *vcpu, struct tdp_map_run *run)
{
	unsigned int done = 0, nr;
	u64 *sptep = NULL;

	lockdep_assert_held_read(&vcpu->kvm->mmu_lock);

	rcu_read_lock();

	if (tdp_map_run_walk(vcpu, run->gfn, false, &sptep) == TDP_LEAF_OTHER)
		goto unlock;

	while (done < run->nr) {
		if (sptep && tdp_map_run_keeps(run, READ_ONCE(sptep[done]))) {
			run->nr_present++;
			done++;
			continue;
		}

		nr = tdp_map_run_batch(vcpu, run, &sptep, done);
		if (!nr)
			break;
		run->nr_mapped += nr;
		done += nr;

		if (need_resched() || rwlock_needbreak(&vcpu->kvm->mmu_lock))
			break;
	}

	if (run->nr_mapped)
		kvm_update_page_stats(vcpu->kvm, PG_LEVEL_4K, run->nr_mapped);

unlock:
	rcu_read_unlock();
}
