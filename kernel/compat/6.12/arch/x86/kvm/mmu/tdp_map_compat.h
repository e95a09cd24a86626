/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY on x86: what differs between kernel versions.  This file is for
 * Linux 6.12.
 */
#ifndef __KVM_X86_MMU_TDP_MAP_COMPAT_H
#define __KVM_X86_MMU_TDP_MAP_COMPAT_H

#include <linux/kvm_host.h>
#include <linux/pgtable.h>

#include "mmu_internal.h"

/*
 * Look up the page of @fault, waiting for it if necessary, with a reference that
 * kvm_tdp_map_put_pfn() drops.  Any signal ends the wait.
 */
static inline void kvm_tdp_map_get_pfn(struct kvm_page_fault *fault, bool write)
{
	fault->pfn = __gfn_to_pfn_memslot(fault->slot, fault->gfn, false, true, NULL,
					  write, &fault->map_writable, &fault->hva);
}

/* The same for a @page that the caller has a reference to. */
static inline void kvm_tdp_map_set_page(struct kvm_page_fault *fault, hva_t hva,
					struct page *page)
{
	fault->hva = hva;
	fault->pfn = page_to_pfn(page);
}

static inline void kvm_tdp_map_put_pfn(kvm_pfn_t pfn)
{
	kvm_release_pfn_clean(pfn);
}

/* Mapping a page of ZONE_DEVICE takes a reference to its dev_pagemap. */
static inline bool kvm_host_pte_devmap(pte_t pte)
{
	return pte_devmap(pte);
}

static inline bool kvm_host_pmd_devmap(pmd_t pmd)
{
	return pmd_devmap(pmd);
}

static inline bool kvm_host_pud_devmap(pud_t pud)
{
	return pud_devmap(pud);
}

#endif /* __KVM_X86_MMU_TDP_MAP_COMPAT_H */
