/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY on x86: what differs between kernel versions.  This file is for
 * Linux 6.12.
 */
#ifndef __KVM_X86_MMU_TDP_MAP_COMPAT_H
#define __KVM_X86_MMU_TDP_MAP_COMPAT_H

#include <linux/entry-kvm.h>
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory_compat.h>
#include <linux/pgtable.h>

#include "mmu_internal.h"
#include "spte.h"
#include "tdp_iter.h"
#include "tdp_mmu.h"

/* For reasons beside kvm->arch.pre_fault_allowed. */
static inline bool kvm_tdp_map_vm_refuses(struct kvm *kvm)
{
	return kvm_x86_call(pre_mmu_map_page)(kvm);
}

static inline bool kvm_tdp_map_ad_enabled(void)
{
	return kvm_ad_enabled();
}

/* Shared memory of guest_memfd, in a memslot that has nothing else. */
static inline bool kvm_tdp_map_is_gmem_only(const struct kvm_memory_slot *slot)
{
	return false;
}

/* Returns 0 or -errno. */
static inline int kvm_tdp_map_alloc_root(struct kvm_vcpu *vcpu)
{
	return kvm_tdp_mmu_alloc_root(vcpu);
}

/* As large as the page at @gfn can be mapped. */
static inline u8 kvm_tdp_map_max_level(struct kvm *kvm,
				       const struct kvm_memory_slot *slot, gfn_t gfn)
{
	return kvm_mmu_max_mapping_level(kvm, slot, gfn, KVM_MAX_HUGEPAGE_LEVEL);
}

/* At the SPTE of @root that is on the way to @gfn. */
static inline void kvm_tdp_map_iter_start(struct tdp_iter *iter, struct kvm *kvm,
					  struct kvm_mmu_page *root, gfn_t gfn)
{
	tdp_iter_start(iter, root, PG_LEVEL_4K, gfn);
}

/* Of a table that was never linked. */
static inline void kvm_tdp_map_free_table(struct kvm_mmu_page *sp)
{
	tdp_mmu_free_sp(sp);
}

/* For a place in @sp where none is present. */
static inline u64 kvm_tdp_map_make_spte(struct kvm_vcpu *vcpu, struct kvm_mmu_page *sp,
					const struct kvm_memory_slot *slot, gfn_t gfn,
					kvm_pfn_t pfn, bool prefetch, bool map_writable)
{
	u64 spte;

	make_spte(vcpu, sp, slot, ACC_ALL, gfn, pfn, SHADOW_NONPRESENT_VALUE, prefetch,
		  true, map_writable, &spte);
	return spte;
}

/*
 * PFERR_MAP_MEMORY makes a fault keep an SPTE that is present, and replace one that
 * does not let the page be written to, if that is wanted.
 */
static inline bool kvm_tdp_map_fault_prefetch(bool write)
{
	return kvm_tdp_map_ad_enabled();
}

/* What a thread has to do before it returns to user mode. */
static inline void kvm_tdp_map_handle_work(struct kvm_vcpu *vcpu)
{
	xfer_to_guest_mode_handle_work(vcpu);
}

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

/* The same for a page of guest_memfd.  Returns RET_PF_CONTINUE or -errno. */
static inline int kvm_tdp_map_get_gmem_pfn(struct kvm_vcpu *vcpu,
					   struct kvm_page_fault *fault)
{
	return kvm_faultin_pfn_private(vcpu, fault);
}

/* Under mmu_lock.  @pfn is what was looked up, @r a RET_PF_*. */
static inline void kvm_tdp_map_put_pfn(struct kvm *kvm, struct kvm_page_fault *fault,
				       kvm_pfn_t pfn, int r)
{
	kvm_release_pfn_clean(pfn);
}

/*
 * Whether it is when a page is mapped that it is marked dirty, if it may be written to.
 * Here that is when its SPTE goes, by the SPTE's own dirty bit.
 */
static inline bool kvm_tdp_map_marks_dirty(void)
{
	return false;
}

/* A page that was looked up under mmu_lock; @dirty if it gets a writable SPTE. */
static inline void kvm_tdp_map_put_page(struct page *page, bool dirty)
{
	put_page(page);
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
