// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: what the host's page tables say.
 *
 * All of this is called with mmu_lock held and no invalidation of the pages in
 * progress.  As none can begin, what is found stays true, and nothing has to be
 * kept by a reference, which is most of what a page costs otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hugetlb.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "tdp_map.h"
#include "tdp_map_compat.h"

/* An entry of the host's page tables that is present. */
struct host_mapping {
	u8 level;
	union {
		pud_t pud;
		pmd_t pmd;
		/* Level 4K: the leaf table. */
		pte_t *ptes;
	};
};

/*
 * IRQs are off so that tables stay where they are, as in
 * host_pfn_mapping_level(), which tells why each entry is read once.
 */
static bool host_mapping_walk(struct kvm *kvm, unsigned long hva,
			      struct host_mapping *mapping)
{
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	lockdep_assert_irqs_disabled();

	pgd = READ_ONCE(*pgd_offset(kvm->mm, hva));
	if (pgd_none(pgd))
		return false;

	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return false;

	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		return false;

	if (pud_leaf(pud)) {
		mapping->level = PG_LEVEL_1G;
		mapping->pud = pud;
		return true;
	}

	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_none(pmd) || !pmd_present(pmd))
		return false;

	if (pmd_leaf(pmd)) {
		mapping->level = PG_LEVEL_2M;
		mapping->pmd = pmd;
		return true;
	}

	mapping->level = PG_LEVEL_4K;
	mapping->ptes = pte_offset_kernel(&pmd, 0);
	return true;
}

static pte_t *host_mapping_ptes(struct kvm *kvm, unsigned long hva)
{
	struct host_mapping mapping;

	if (!host_mapping_walk(kvm, hva, &mapping) || mapping.level != PG_LEVEL_4K)
		return NULL;

	return mapping.ptes;
}

/* The host's addresses of the pages of @leaf are this and leaf->index pages. */
static unsigned long host_mapping_base(const struct tdp_map_leaf *leaf)
{
	return __gfn_to_hva_memslot(leaf->slot, leaf->start) -
	       ((leaf->start - leaf->table_gfn) << PAGE_SHIFT);
}

/* This depends on nothing but pte_flags(). */
static bool host_mapping_permits(const struct tdp_map_leaf *leaf, pte_t pte)
{
	return pte_access_permitted(pte, leaf->host_write) &&
	       !pte_special(pte) && !kvm_host_pte_devmap(pte);
}

/*
 * Pages of anonymous and shared memory, and no others: those of files may be
 * secretmem, which only get_user_pages() can tell.
 */
static bool host_mapping_takes_pfn(kvm_pfn_t pfn)
{
	return folio_test_swapbacked(page_folio(pfn_to_page(pfn)));
}

/* Where the host has no page for @hva, a job that wants resident pages goes on. */
static bool host_mapping_skips(struct kvm *kvm, const struct tdp_map_leaf *leaf,
			       unsigned long hva)
{
	struct host_mapping mapping;

	if (!leaf->resident)
		return false;

	return !host_mapping_walk(kvm, hva, &mapping) ||
	       (mapping.level == PG_LEVEL_4K &&
		!pte_present(READ_ONCE(mapping.ptes[pte_index(hva)])));
}

static __always_inline unsigned int __host_mapping_read(struct kvm *kvm,
							struct tdp_map_leaf *leaf,
							bool neighbours)
{
	unsigned long base = host_mapping_base(leaf), hva, table_hva = ~0UL;
	unsigned int i, nr = leaf->nr;
	pteval_t permitted = 0;
	pte_t *ptes = NULL, pte;
	kvm_pfn_t pfn;

	for (i = 0; i < nr; i++) {
		if (leaf->scanned && leaf->pfns[i] == TDP_MAP_LEAF_PRESENT)
			continue;

		/* A memslot need not be aligned: then there are two tables. */
		hva = base + tdp_map_leaf_index(leaf, i, neighbours) * PAGE_SIZE;
		if (unlikely((hva & PMD_MASK) != table_hva)) {
			ptes = host_mapping_ptes(kvm, hva);
			table_hva = hva & PMD_MASK;
		}

		/* Most are like the one before; a PTE that is present is not 0. */
		if (likely(ptes)) {
			pte = READ_ONCE(ptes[pte_index(hva)]);
			if (likely(pte_flags(pte) == permitted))
				goto permitted;
			if (host_mapping_permits(leaf, pte)) {
				permitted = pte_flags(pte);
				goto permitted;
			}
		}

		if (!host_mapping_skips(kvm, leaf, hva))
			break;
		leaf->pfns[i] = TDP_MAP_LEAF_ABSENT;
		continue;

permitted:
		/* It is present, so its address is not inverted. */
		pfn = (native_pte_val(pte) & PTE_PFN_MASK) >> PAGE_SHIFT;
		if (!host_mapping_takes_pfn(pfn))
			break;
		leaf->pfns[i] = pfn;
	}

	return i;
}

/*
 * Look up the pages that are not present already.  Returns how many there are
 * until one is not taken.
 */
unsigned int kvm_host_mapping_read(struct kvm *kvm, struct tdp_map_leaf *leaf)
{
	unsigned long flags;
	unsigned int nr;

	local_irq_save(flags);
	nr = leaf->neighbours ? __host_mapping_read(kvm, leaf, true) :
				__host_mapping_read(kvm, leaf, false);
	local_irq_restore(flags);

	return nr;
}

/* How many of the pages, from the first on, are neighbours and not present. */
static unsigned int host_mapping_neighbours(const struct tdp_map_leaf *leaf)
{
	unsigned int i, first = tdp_map_leaf_index(leaf, 0, leaf->neighbours);

	for (i = 0; i < leaf->nr; i++) {
		if (tdp_map_leaf_index(leaf, i, leaf->neighbours) != first + i ||
		    (leaf->scanned && leaf->pfns[i] == TDP_MAP_LEAF_PRESENT))
			break;
	}

	return i;
}

/*
 * The same for all other pages that are there, as those of files and parts of
 * huge pages.
 */
unsigned int kvm_host_mapping_get(struct tdp_map_leaf *leaf)
{
	unsigned long hva = host_mapping_base(leaf) +
			    tdp_map_leaf_index(leaf, 0, leaf->neighbours) * PAGE_SIZE;
	unsigned int nr = host_mapping_neighbours(leaf), found = 0;
	struct page *page;
	int got, i;

	BUILD_BUG_ON(sizeof(leaf->pfns) != sizeof(leaf->pages));

	if (!nr)
		return 0;

	got = get_user_pages_fast_only(hva, nr, leaf->host_write ? FOLL_WRITE : 0,
				       leaf->pages);
	for (i = 0; i < got; i++) {
		page = leaf->pages[i];
		/* These may be mapped uncached, and are in no hurry. */
		if (found == i && !PageReserved(page))
			leaf->pfns[found++] = page_to_pfn(page);
		put_page(page);
	}

	return found;
}

static bool host_mapping_takes_huge(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_hugetlb(folio) || folio_test_swapbacked(folio);
}

/* The huge page at @gfn, if it can be mapped as @leaf wants it. */
bool kvm_host_mapping_read_huge(struct kvm *kvm, const struct tdp_map_leaf *leaf,
				gfn_t gfn, kvm_pfn_t *pfn)
{
	unsigned long hva = __gfn_to_hva_memslot(leaf->slot, gfn);
	struct host_mapping mapping;
	unsigned long flags;
	bool taken = false;

	local_irq_save(flags);
	if (!host_mapping_walk(kvm, hva, &mapping) || mapping.level == PG_LEVEL_4K)
		goto out;

	if (mapping.level == PG_LEVEL_1G) {
		if (!pud_access_permitted(mapping.pud, leaf->host_write) ||
		    pud_special(mapping.pud) || kvm_host_pud_devmap(mapping.pud))
			goto out;
		*pfn = pud_pfn(mapping.pud) + ((hva & ~PUD_MASK) >> PAGE_SHIFT);
	} else {
		if (!pmd_access_permitted(mapping.pmd, leaf->host_write) ||
		    pmd_special(mapping.pmd) || kvm_host_pmd_devmap(mapping.pmd))
			goto out;
		*pfn = pmd_pfn(mapping.pmd) + ((hva & ~PMD_MASK) >> PAGE_SHIFT);
	}

	taken = host_mapping_takes_huge(pfn_to_page(*pfn));
out:
	local_irq_restore(flags);
	return taken;
}
