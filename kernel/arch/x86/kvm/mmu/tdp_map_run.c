// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: a run of small pages into one leaf table of the TDP MMU, with
 * one walk and one hold of mmu_lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/pgtable.h>

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

	for_each_tdp_pte(iter, root, run->gfn, run->gfn + 1) {
		if (is_frozen_spte(iter.old_spte))
			return TDP_LEAF_OTHER;

		if (iter.level == PG_LEVEL_4K) {
			run->leaf_table = rcu_dereference(iter.sptep) -
					  (run->gfn & (SPTE_ENT_PER_PAGE - 1));
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

/* Install SPTEs for run->pfns at @gfn, until one place is taken. */
static unsigned int tdp_map_run_install(struct kvm_vcpu *vcpu, struct tdp_map_run *run,
					u64 *sptep, gfn_t gfn, unsigned int nr)
{
	u64 old_spte, spte;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		spte = tdp_map_run_make_spte(vcpu, run, sptep + i, gfn + i,
					     run->pfns[i]);

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

/*
 * The host's leaf table for @hva; IRQs are off so that it stays where it is, as
 * in host_pfn_mapping_level().
 */
static pte_t *tdp_map_run_host_table(struct kvm *kvm, unsigned long hva)
{
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	lockdep_assert_irqs_disabled();

	pgd = READ_ONCE(*pgd_offset(kvm->mm, hva));
	if (pgd_none(pgd))
		return NULL;

	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return NULL;

	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud) || pud_leaf(pud))
		return NULL;

	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_none(pmd) || !pmd_present(pmd) || pmd_leaf(pmd))
		return NULL;

	return pte_offset_kernel(&pmd, 0);
}

/*
 * Pages of anonymous and shared memory, and no others: those of files may be
 * secretmem, which only get_user_pages() can tell.
 */
static bool tdp_map_run_takes(const struct tdp_map_run *run, pte_t pte)
{
	return pte_access_permitted(pte, run->host_write) &&
	       !pte_special(pte) && !pte_devmap(pte) &&
	       folio_test_swapbacked(page_folio(pfn_to_page(pte_pfn(pte))));
}

/*
 * Read the pfns where the SPTEs' validity comes from, the host's page tables.
 * That takes no reference, which is most of what a page costs otherwise: before
 * any of these PTEs changes, an invalidation begins, and that waits for mmu_lock.
 */
static unsigned int tdp_map_run_read(struct kvm *kvm, struct tdp_map_run *run,
				     unsigned long hva, unsigned int nr)
{
	unsigned long flags;
	unsigned int i = 0;
	pte_t *table, pte;

	nr = min(nr, PTRS_PER_PTE - pte_index(hva));

	local_irq_save(flags);
	table = tdp_map_run_host_table(kvm, hva);
	for (; table && i < nr; i++) {
		pte = READ_ONCE(table[pte_index(hva) + i]);
		if (!tdp_map_run_takes(run, pte))
			break;
		run->pfns[i] = pte_pfn(pte);
	}
	local_irq_restore(flags);

	return i;
}

/* All other pages that are there: of files, and parts of huge pages. */
static unsigned int tdp_map_run_get(struct tdp_map_run *run, unsigned long hva,
				    unsigned int nr)
{
	unsigned int found = 0;
	struct page *page;
	int got, i;

	BUILD_BUG_ON(sizeof(run->pfns) != sizeof(run->pages));

	got = get_user_pages_fast_only(hva, nr, run->host_write ? FOLL_WRITE : 0,
				       run->pages);
	for (i = 0; i < got; i++) {
		page = run->pages[i];
		/* These may be mapped uncached, and are in no hurry. */
		if (found == i && !PageReserved(page))
			run->pfns[found++] = page_to_pfn(page);
		/* What keeps it is, again, that no invalidation can begin. */
		put_page(page);
	}

	return found;
}

static u64 *tdp_map_run_sptep(const struct tdp_map_run *run, gfn_t gfn)
{
	return run->leaf_table + (gfn & (SPTE_ENT_PER_PAGE - 1));
}

static unsigned int tdp_map_run_batch(struct kvm_vcpu *vcpu, struct tdp_map_run *run,
				      unsigned int done)
{
	unsigned int nr = min(run->nr - done, TDP_MAP_RUN_BATCH);
	gfn_t gfn = run->gfn + done;
	unsigned long hva = __gfn_to_hva_memslot(run->slot, gfn);

	if (run->leaf_table)
		nr = tdp_map_run_count(tdp_map_run_sptep(run, gfn), nr);
	if (!nr)
		return 0;

	nr = tdp_map_run_read(vcpu->kvm, run, hva, nr) ?:
	     tdp_map_run_get(run, hva, nr);
	if (!nr)
		return 0;

	/*
	 * Tables are made only for pages that are there: when they come they
	 * may come as a huge page, and then a table would be in its way.
	 */
	if (!run->leaf_table && tdp_map_run_walk(vcpu, run, true) != TDP_LEAF_FOUND)
		return 0;

	return tdp_map_run_install(vcpu, run, tdp_map_run_sptep(run, gfn), gfn, nr);
}

/*
 * Map pages of @run from its start on, until one of them is not simply there, or
 * its SPTE is not simply empty or good enough already.
 *
 * The caller holds mmu_lock for reading, has found the root valid and no
 * invalidation of these pages in progress, and has filled the caches of @vcpu.
 * While the caller stays in one RCU section, @run can go on to other pages below
 * the same leaf table.
 */
void kvm_tdp_mmu_map_run(struct kvm_vcpu *vcpu, struct tdp_map_run *run)
{
	unsigned int done = 0, nr;

	lockdep_assert_held_read(&vcpu->kvm->mmu_lock);
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "leaf tables are freed by RCU");

	run->nr_mapped = 0;
	run->nr_present = 0;

	if (!run->leaf_table && tdp_map_run_walk(vcpu, run, false) == TDP_LEAF_OTHER)
		return;

	while (done < run->nr) {
		if (run->leaf_table &&
		    tdp_map_run_keeps(run, READ_ONCE(*tdp_map_run_sptep(run, run->gfn + done)))) {
			run->nr_present++;
			done++;
			continue;
		}

		nr = tdp_map_run_batch(vcpu, run, done);
		if (!nr)
			break;
		run->nr_mapped += nr;
		done += nr;

		if (need_resched() || rwlock_needbreak(&vcpu->kvm->mmu_lock))
			break;
	}

	if (run->nr_mapped)
		kvm_update_page_stats(vcpu->kvm, PG_LEVEL_4K, run->nr_mapped);
}
