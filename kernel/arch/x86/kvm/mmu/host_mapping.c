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
#include <linux/shmem_fs.h>

#include "tdp_map.h"

/* An entry of the host's page tables that is present; if none is, @level is the hole's. */
struct host_mapping {
	u8 level;
	/* Level 1G. */
	pud_t pud;
	/* The tables of levels 2M and below, and of level 4K. */
	pmd_t *pmds;
	pte_t *ptes;
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

	mapping->level = PG_LEVEL_256T;
	pgd = READ_ONCE(*pgd_offset(kvm->mm, hva));
	if (pgd_none(pgd))
		return false;

	mapping->level = PG_LEVEL_512G;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return false;

	mapping->level = PG_LEVEL_1G;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		return false;

	if (pud_leaf(pud)) {
		mapping->pud = pud;
		return true;
	}

	mapping->level = PG_LEVEL_2M;
	mapping->pmds = pmd_offset(&pud, 0);
	pmd = READ_ONCE(mapping->pmds[pmd_index(hva)]);
	if (pmd_none(pmd) || !pmd_present(pmd))
		return false;

	if (pmd_leaf(pmd))
		return true;

	mapping->level = PG_LEVEL_4K;
	mapping->ptes = pte_offset_kernel(&pmd, 0);
	return true;
}

/* The host's addresses of the pages of @leaf are this and leaf->index pages. */
static unsigned long host_mapping_base(const struct tdp_map_leaf *leaf)
{
	return __gfn_to_hva_memslot(leaf->slot, leaf->start) -
	       ((leaf->start - leaf->table_gfn) << PAGE_SHIFT);
}

/* Returns whether anything is present, and its level, or that of the hole. */
static bool host_mapping_level(struct kvm *kvm, unsigned long hva, u8 *level)
{
	struct host_mapping mapping;
	unsigned long flags;
	bool present;

	local_irq_save(flags);
	present = host_mapping_walk(kvm, hva, &mapping);
	local_irq_restore(flags);

	*level = mapping.level;
	return present;
}

/* Without locks: it may change at any time. */
bool kvm_host_mapping_is_huge(struct kvm *kvm, unsigned long hva)
{
	u8 level;

	return host_mapping_level(kvm, hva, &level) && level > PG_LEVEL_4K;
}

/* The host has nothing at @gfn.  Returns where that ends, or the slot; else @gfn. */
gfn_t kvm_host_mapping_hole_end(struct kvm *kvm, const struct kvm_memory_slot *slot,
				gfn_t gfn)
{
	unsigned long hva = __gfn_to_hva_memslot(slot, gfn), end;
	u8 level;

	if (host_mapping_level(kvm, hva, &level))
		return gfn;

	end = (hva & page_level_mask(level)) + page_level_size(level);
	return min(gfn + ((end - hva) >> PAGE_SHIFT), slot->base_gfn + slot->npages);
}

/*
 * Whether a page has to be marked dirty before it is mapped; if the host's entry is
 * dirty that will do, as it is not cleaned without an invalidation.
 */
static bool host_mapping_is_clean(const struct tdp_map_leaf *leaf, bool dirty)
{
	return kvm_tdp_map_marks_dirty() && leaf->map_writable && !dirty;
}

/* This depends on nothing but pte_flags(). */
static bool host_mapping_permits(const struct tdp_map_leaf *leaf, pte_t pte)
{
	return pte_access_permitted(pte, leaf->host_write) &&
	       !pte_special(pte) && !kvm_host_pte_devmap(pte) &&
	       !host_mapping_is_clean(leaf, pte_dirty(pte));
}

/*
 * Pages of anonymous and shared memory, and no others: those of files may be
 * secretmem, which only get_user_pages() can tell.
 */
static bool host_mapping_takes_pfn(kvm_pfn_t pfn)
{
	return folio_test_swapbacked(page_folio(pfn_to_page(pfn)));
}

/* All pages in such a VMA are of that kind. */
static bool host_mapping_takes_vma(struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP))
		return false;

	return vma_is_anonymous(vma) || is_vm_hugetlb_page(vma) ||
	       (vma->vm_file && shmem_mapping(vma->vm_file->f_mapping));
}

/* Whether the VMA that was looked at has @nr pages of @leaf from @hva on. */
static bool host_mapping_is_known(const struct tdp_map_leaf *leaf, unsigned long hva,
				  unsigned int nr)
{
	return hva >= leaf->known_start && hva < leaf->known_end &&
	       (u64)nr * KVM_HPAGE_SIZE(leaf->level) <= leaf->known_end - hva;
}

/*
 * See whether the VMA at @hva tells of which kind all of its pages are; then none of
 * them has to be looked at, which would be a cache line for each.
 *
 * Before other pages come to the place of a VMA all of its addresses are invalidated.
 * If a memslot has them, that raises the sequence count; and if there was no memslot
 * then, the generation has changed.  The caller is the reader of kvm->srcu who found
 * the memslot.  Without the VMA, pages are looked at: that is no reason to wait here.
 */
void kvm_host_mapping_know(struct kvm *kvm, struct kvm_map_memory_walk *walk,
			   unsigned long hva)
{
	u64 generation = kvm_memslots(kvm)->generation;
	unsigned long seq = READ_ONCE(kvm->mmu_invalidate_seq);
	struct vm_area_struct *vma;

	/* Pairs with the smp_wmb() in kvm_mmu_invalidate_end(). */
	smp_rmb();

	if (hva >= walk->arch_known.start && hva < walk->arch_known.end &&
	    walk->arch_known.seq == seq && walk->arch_known.generation == generation)
		return;

	kvm_host_mapping_forget(walk);
	walk->arch_known.seq = seq;
	walk->arch_known.generation = generation;
	if (!mmap_read_trylock(kvm->mm))
		return;

	vma = vma_lookup(kvm->mm, hva);
	if (vma && host_mapping_takes_vma(vma)) {
		walk->arch_known.start = vma->vm_start;
		walk->arch_known.end = vma->vm_end;
	}
	mmap_read_unlock(kvm->mm);
}

/*
 * Go on with neighbours in a new table, as long as the pages are like the one before
 * them: then the SPTEs differ as the PTEs do, in the pfn.  Returns how many are done.
 */
unsigned int kvm_host_mapping_copy(struct kvm *kvm, struct tdp_map_leaf *leaf)
{
	unsigned long hva = host_mapping_base(leaf) + leaf->first * PAGE_SIZE;
	const u64 spte_bits = leaf->spte_bits, pfn_mask = PTE_PFN_MASK;
	const pteval_t host_flags = leaf->host_flags;
	u64 *sptes = leaf->leaf_table + leaf->first;
	struct host_mapping mapping;
	unsigned int i = 0, nr;
	unsigned long flags;
	const pte_t *ptes;
	pteval_t pte;

	if (hva < leaf->known_start || hva >= leaf->known_end)
		return 0;

	nr = min3((unsigned long)leaf->nr, PTRS_PER_PTE - pte_index(hva),
		  (leaf->known_end - hva) >> PAGE_SHIFT);

	local_irq_save(flags);
	if (host_mapping_walk(kvm, hva, &mapping) && mapping.level == PG_LEVEL_4K) {
		ptes = mapping.ptes + pte_index(hva);
		for (; i < nr; i++) {
			pte = native_pte_val(READ_ONCE(ptes[i]));
			if (unlikely((pte & ~pfn_mask) != host_flags ||
				     is_shadow_present_pte(sptes[i])))
				break;
			sptes[i] = spte_bits | (pte & pfn_mask);
		}
	}
	local_irq_restore(flags);

	return i;
}

/* Of @nr pages from number @first on those that have to be looked up. */
static u64 host_mapping_wanted(const struct tdp_map_leaf *leaf, unsigned int first,
			       unsigned int nr)
{
	return tdp_map_leaf_mask(nr) << first & ~leaf->present;
}

/*
 * Pages from number @first on in @leaf, which @ptes of one table map.  Returns how
 * many until one is not taken.
 */
static __always_inline unsigned int host_mapping_read_ptes(struct tdp_map_leaf *leaf,
							   unsigned int first,
							   unsigned int nr,
							   const pte_t *ptes, bool known)
{
	u64 left = host_mapping_wanted(leaf, first, nr), absent = 0;
	const u64 pfn_mask = PTE_PFN_MASK;
	pteval_t permitted = leaf->host_flags;
	unsigned int i;
	kvm_pfn_t pfn;
	pte_t pte;

	for (; left; left &= left - 1) {
		i = __ffs64(left);
		pte = READ_ONCE(ptes[i - first]);
		/* Most are like the one before. */
		if (unlikely(pte_flags(pte) != permitted)) {
			if (!pte_present(pte)) {
				if (!leaf->resident)
					break;
				absent |= BIT_ULL(i);
				continue;
			}
			if (!host_mapping_permits(leaf, pte))
				break;
			permitted = pte_flags(pte);
		}

		/* It is present, so its address is not inverted. */
		pfn = (native_pte_val(pte) & pfn_mask) >> PAGE_SHIFT;
		if (unlikely(!known) && !host_mapping_takes_pfn(pfn))
			break;
		leaf->pfns[i] = pfn;
	}

	leaf->host_flags = permitted;
	leaf->absent |= absent;
	return left ? __ffs64(left) - first : nr;
}

/* The same where the host has no table. */
static unsigned int host_mapping_read_hole(struct tdp_map_leaf *leaf, unsigned int first,
					   unsigned int nr)
{
	if (!leaf->resident)
		return 0;

	leaf->absent |= host_mapping_wanted(leaf, first, nr);
	return nr;
}

/* @neighbours is leaf->neighbours. */
static __always_inline unsigned int __host_mapping_read(struct kvm *kvm,
							struct tdp_map_leaf *leaf,
							bool neighbours)
{
	unsigned long base = host_mapping_base(leaf), hva, table_hva = ~0UL;
	unsigned int i = 0, nr, got;
	struct host_mapping mapping;
	bool present = false, known;

	do {
		hva = base + tdp_map_leaf_index(leaf, i, neighbours) * PAGE_SIZE;
		nr = neighbours ? min(leaf->nr - i, PTRS_PER_PTE - pte_index(hva)) : 1;

		/* A memslot need not be aligned: then there are two tables. */
		if ((hva & PMD_MASK) != table_hva) {
			present = host_mapping_walk(kvm, hva, &mapping);
			table_hva = hva & PMD_MASK;
			if (present && mapping.level != PG_LEVEL_4K)
				break;
		}

		known = host_mapping_is_known(leaf, hva, nr);
		if (present)
			got = host_mapping_read_ptes(leaf, i, nr,
						     mapping.ptes + pte_index(hva), known);
		else
			got = host_mapping_read_hole(leaf, i, nr);
		i += got;
	} while (got == nr && i < leaf->nr);

	return i;
}

static bool host_mapping_takes_huge(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_hugetlb(folio) || folio_test_swapbacked(folio);
}

/* Pages of 2 MiB, as host_mapping_read_ptes(). */
static unsigned int host_mapping_read_pmds(struct tdp_map_leaf *leaf, unsigned int first,
					   unsigned int nr, const pmd_t *pmds, bool known)
{
	const pmdval_t pfn_mask = PHYSICAL_PMD_PAGE_MASK;
	u64 left = host_mapping_wanted(leaf, first, nr);
	pmdval_t permitted = leaf->host_flags, flags;
	unsigned int i;
	kvm_pfn_t pfn;
	pmd_t pmd;

	for (; left; left &= left - 1) {
		i = __ffs64(left);
		pmd = READ_ONCE(pmds[i - first]);
		flags = native_pmd_val(pmd) & ~pfn_mask;
		if (unlikely(flags != permitted)) {
			if (pmd_none(pmd) || !pmd_present(pmd)) {
				if (!leaf->resident)
					break;
				leaf->absent |= BIT_ULL(i);
				continue;
			}
			if (!pmd_leaf(pmd) || !pmd_access_permitted(pmd, leaf->host_write) ||
			    pmd_special(pmd) || kvm_host_pmd_devmap(pmd) ||
			    host_mapping_is_clean(leaf, pmd_dirty(pmd)))
				break;
			permitted = flags;
		}

		pfn = (native_pmd_val(pmd) & pfn_mask) >> PAGE_SHIFT;
		if (!known && !host_mapping_takes_huge(pfn_to_page(pfn)))
			break;
		leaf->pfns[i] = pfn;
	}

	leaf->host_flags = permitted;
	return left ? __ffs64(left) - first : nr;
}

/* Page number @i of @leaf, at @hva in a page of 1 GiB; or a hole of at least its size. */
static bool host_mapping_read_pud(struct tdp_map_leaf *leaf, unsigned int i,
				  unsigned long hva, const struct host_mapping *mapping,
				  bool present)
{
	const pud_t pud = mapping->pud;

	if (!present) {
		if (!leaf->resident || mapping->level < leaf->level)
			return false;
		leaf->absent |= BIT_ULL(i);
		return true;
	}

	if (mapping->level != PG_LEVEL_1G || !pud_access_permitted(pud, leaf->host_write) ||
	    pud_special(pud) || kvm_host_pud_devmap(pud) ||
	    host_mapping_is_clean(leaf, pud_dirty(pud)))
		return false;

	leaf->pfns[i] = pud_pfn(pud) + ((hva & ~PUD_MASK) >> PAGE_SHIFT);
	return host_mapping_takes_huge(pfn_to_page(leaf->pfns[i]));
}

/* As __host_mapping_read(), for huge pages, which are neighbours. */
static unsigned int host_mapping_read_huge(struct kvm *kvm, struct tdp_map_leaf *leaf)
{
	unsigned long size = KVM_HPAGE_SIZE(leaf->level), hva;
	unsigned long start = host_mapping_base(leaf) + leaf->first * size;
	unsigned int i = 0, nr, got;
	struct host_mapping mapping;
	bool present;

	do {
		nr = 1;
		got = 0;
		hva = start + i * size;
		present = host_mapping_walk(kvm, hva, &mapping);
		if (leaf->level == PG_LEVEL_2M && mapping.level <= PG_LEVEL_2M) {
			nr = min(leaf->nr - i, PTRS_PER_PMD - pmd_index(hva));
			got = host_mapping_read_pmds(leaf, i, nr,
						     mapping.pmds + pmd_index(hva),
						     host_mapping_is_known(leaf, hva, nr));
		} else if (leaf->present & BIT_ULL(i) ||
			   host_mapping_read_pud(leaf, i, hva, &mapping, present)) {
			got = 1;
		}
		i += got;
	} while (got == nr && i < leaf->nr);

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
	if (leaf->level != PG_LEVEL_4K)
		nr = host_mapping_read_huge(kvm, leaf);
	else if (leaf->neighbours)
		nr = __host_mapping_read(kvm, leaf, true);
	else
		nr = __host_mapping_read(kvm, leaf, false);
	local_irq_restore(flags);

	return nr;
}

/* How many of the pages, from the first on, are neighbours and not present. */
static unsigned int host_mapping_neighbours(const struct tdp_map_leaf *leaf)
{
	unsigned int i, first = tdp_map_leaf_index(leaf, 0, leaf->neighbours);

	for (i = 0; i < leaf->nr; i++) {
		if (tdp_map_leaf_index(leaf, i, leaf->neighbours) != first + i ||
		    leaf->present & BIT_ULL(i))
			break;
	}

	return i;
}

/*
 * The same for all other small pages that are there, as those of files, parts of huge
 * pages, and pages that have to be marked dirty.
 */
unsigned int kvm_host_mapping_get(struct tdp_map_leaf *leaf)
{
	unsigned long hva = host_mapping_base(leaf) +
			    tdp_map_leaf_index(leaf, 0, leaf->neighbours) * PAGE_SIZE;
	unsigned int nr = host_mapping_neighbours(leaf), found = 0;
	struct page *page;
	bool taken;
	int got, i;

	BUILD_BUG_ON(sizeof(leaf->pfns) != sizeof(leaf->pages));

	if (!nr)
		return 0;

	got = get_user_pages_fast_only(hva, nr, leaf->host_write ? FOLL_WRITE : 0,
				       leaf->pages);
	for (i = 0; i < got; i++) {
		page = leaf->pages[i];
		/* These may be mapped uncached, and are in no hurry. */
		taken = found == i && !PageReserved(page);
		if (taken)
			leaf->pfns[found++] = page_to_pfn(page);
		kvm_tdp_map_put_page(page, taken && leaf->map_writable);
	}

	return found;
}
