// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: one page, as a fault would map it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>

#include "mmu.h"
#include "mmu_internal.h"
#include "spte.h"
#include "tdp_map.h"
#include "tdp_mmu.h"

/* Beside RET_PF_*: the page is not in memory. */
#define TDP_MAP_SKIP		(RET_PF_SPURIOUS + 1)

/*
 * Whether the page is mapped well enough already, and how large.  A page
 * mapped read-only is not, under write intent: that is how a read fault leaves
 * the zero page.  Except in a slot with dirty logging, where every clean page
 * looks like that.
 */
static bool tdp_map_page_present(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	u64 sptes[PT64_ROOT_MAX_LEVEL + 1];
	int leaf, root_level;

	kvm_tdp_mmu_walk_lockless_begin();
	leaf = kvm_tdp_mmu_get_walk(vcpu, fault->addr, sptes, &root_level);
	kvm_tdp_mmu_walk_lockless_end();

	if (leaf < 0 || !is_shadow_present_pte(sptes[leaf]) ||
	    !is_last_spte(sptes[leaf], leaf))
		return false;

	fault->goal_level = leaf;

	return !fault->write || is_writable_pte(sptes[leaf]) ||
	       kvm_slot_dirty_track_enabled(fault->slot);
}

/*
 * Look the page up without waiting.  It is skipped if it is not in memory, or may
 * not be mapped as the fault wants it.
 */
static int tdp_map_get_resident_pfn(struct kvm_page_fault *fault)
{
	unsigned long hva = __gfn_to_hva_memslot(fault->slot, fault->gfn);
	struct page *page;

	fault->map_writable = !(fault->slot->flags & KVM_MEM_READONLY) &&
			      get_user_page_fast_only(hva, FOLL_WRITE, &page);
	if (!fault->map_writable &&
	    (fault->write || !get_user_page_fast_only(hva, 0, &page)))
		return TDP_MAP_SKIP;

	kvm_tdp_map_set_page(fault, hva, page);
	return RET_PF_CONTINUE;
}

/*
 * Whether it is the VMA that does not let the page be written to.  Else there was,
 * say, no memory for it: mapping what a read finds, the zero page, would hide that.
 */
static bool tdp_map_is_read_only(const struct kvm_page_fault *fault)
{
	struct vm_area_struct *vma;
	bool read_only;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, __gfn_to_hva_memslot(fault->slot, fault->gfn));
	read_only = vma && !(vma->vm_flags & VM_WRITE);
	mmap_read_unlock(current->mm);

	return read_only;
}

static int tdp_map_get_shared_pfn(struct kvm_page_fault *fault)
{
	kvm_tdp_map_get_pfn(fault, fault->write);

	/*
	 * If the VMA is not writable a read is all that can be done.  If it is, it
	 * may have become so a moment ago, and no invalidation tells.
	 */
	if (fault->write && fault->pfn == KVM_PFN_ERR_FAULT)
		kvm_tdp_map_get_pfn(fault, !tdp_map_is_read_only(fault));

	if (likely(!is_error_noslot_pfn(fault->pfn)))
		return RET_PF_CONTINUE;

	if (is_sigpending_pfn(fault->pfn))
		return -EINTR;

	/*
	 * Poison is reported, not signalled: nobody has touched the page, and
	 * the thread that maps may not be the one that would.
	 */
	if (fault->pfn == KVM_PFN_ERR_HWPOISON)
		return -EHWPOISON;

	return -EFAULT;
}

/*
 * kvm_faultin_pfn(), less what is for a guest that waits for the page: async
 * page faults, MMIO, SIGBUS, and waiting for a memslot to become valid again.
 */
static int tdp_map_faultin(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault,
			   bool resident)
{
	struct kvm *kvm = vcpu->kvm;
	int r;

	fault->mmu_seq = kvm->mmu_invalidate_seq;
	/* Pairs with the smp_wmb() in kvm_mmu_invalidate_end(). */
	smp_rmb();

	if (fault->is_private != kvm_mem_is_private(kvm, fault->gfn) ||
	    mmu_invalidate_retry_gfn_unsafe(kvm, fault->mmu_seq, fault->gfn))
		return RET_PF_RETRY;

	/* guest_memfd allocates what is not there. */
	if (fault->is_private || kvm_tdp_map_is_gmem_only(fault->slot))
		return resident ? TDP_MAP_SKIP :
				  kvm_tdp_map_get_gmem_pfn(vcpu, fault);

	if (resident)
		return tdp_map_get_resident_pfn(fault);

	r = tdp_map_get_shared_pfn(fault);

	/*
	 * First the page is looked for, then the VMA.  If one VMA is replaced by
	 * another in between, neither of them need have been at fault.
	 */
	if (r == -EFAULT &&
	    mmu_invalidate_retry_gfn_unsafe(kvm, fault->mmu_seq, fault->gfn))
		return RET_PF_RETRY;

	return r;
}

static int tdp_map_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault,
			 bool resident)
{
	struct kvm *kvm = vcpu->kvm;
	kvm_pfn_t pfn;
	int r;

	r = tdp_map_faultin(vcpu, fault, resident);
	if (r != RET_PF_CONTINUE)
		return r;

	/*
	 * Nothing is written yet, so nothing must be logged as dirty, and
	 * making a writable SPTE would log it.  SRCU is held since the slot
	 * was looked up: if logging is being enabled right now, the SPTE is
	 * write-protected after this reader has left.
	 */
	if (kvm_slot_dirty_track_enabled(fault->slot))
		fault->map_writable = false;

	pfn = fault->pfn;
	read_lock(&kvm->mmu_lock);

	/*
	 * The root has to be checked under mmu_lock: SPTEs below an invalid
	 * root are out of the reach of MMU notifiers once the slot is gone.
	 */
	if (!kvm_tdp_map_root_valid(vcpu) ||
	    mmu_invalidate_retry_gfn(kvm, fault->mmu_seq, fault->gfn))
		r = RET_PF_RETRY;
	else
		r = kvm_tdp_mmu_map(vcpu, fault);

	kvm_tdp_map_put_pfn(kvm, fault, pfn, r);
	read_unlock(&kvm->mmu_lock);

	return r;
}

/* The SPTE at @walk->gpa is done: it may cover more than what is asked for. */
static int tdp_map_advance(struct kvm_map_memory_walk *walk, u8 level, u64 *count)
{
	gpa_t next = (walk->gpa & KVM_HPAGE_MASK(level)) + KVM_HPAGE_SIZE(level);

	next = min(next, walk->end);
	*count += next - walk->gpa;
	walk->gpa = next;

	return 1;
}

int kvm_tdp_map_fault_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot,
			   struct kvm_map_memory_walk *walk)
{
	bool private = kvm_mem_is_private(vcpu->kvm, gpa_to_gfn(walk->gpa));
	bool write = kvm_tdp_map_wants_write(slot, walk);
	struct kvm_page_fault fault = {
		.addr = walk->gpa,
		.error_code = PFERR_GUEST_FINAL_MASK | PFERR_MAP_MEMORY |
			      (write ? PFERR_WRITE_MASK : 0) |
			      (private ? PFERR_PRIVATE_ACCESS : 0),
		.write = write,
		.prefetch = kvm_tdp_map_fault_prefetch(write),
		.is_tdp = true,
		.is_private = private,
		.nx_huge_page_workaround_enabled =
			is_nx_huge_page_enabled(vcpu->kvm),
		.max_level = KVM_MAX_HUGEPAGE_LEVEL,
		.req_level = PG_LEVEL_4K,
		.goal_level = PG_LEVEL_4K,
		.gfn = gpa_to_gfn(walk->gpa),
		.slot = slot,
		.pfn = KVM_PFN_ERR_FAULT,
	};
	int r = RET_PF_SPURIOUS;

	if (!tdp_map_page_present(vcpu, &fault))
		r = tdp_map_fault(vcpu, &fault, kvm_tdp_map_wants_resident(walk));

	switch (r) {
	case RET_PF_FIXED:
	case RET_PF_WRITE_PROTECTED:
		return tdp_map_advance(walk, fault.goal_level, &walk->count.mapped);
	case RET_PF_SPURIOUS:
		return tdp_map_advance(walk, fault.goal_level, &walk->count.present);
	case TDP_MAP_SKIP:
		return tdp_map_advance(walk, PG_LEVEL_4K, &walk->count.skipped);
	case RET_PF_RETRY:
		return 0;
	default:
		return WARN_ON_ONCE(r > 0) ? -EIO : r;
	}
}
