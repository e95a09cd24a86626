// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY on x86: the L1, non-SMM guest-physical space into the TDP MMU.
 *
 * Small pages that are in memory are mapped in runs (tdp_map_run.c), after they
 * have been brought in if need be.  All else, huge pages first of all, is mapped
 * as by a fault, one SPTE at a time.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/kvm_map_memory_compat.h>

#include "map_memory.h"
#include "mmu.h"
#include "mmu_internal.h"
#include "spte.h"
#include "tdp_mmu.h"

/*
 * A prefetched SPTE is not marked accessed.  Without A/D bits that would make it
 * inaccessible, and the guest would fault again.
 */
static bool map_memory_prefetch(void)
{
	return kvm_ad_enabled();
}

/*
 * Whether the page is mapped well enough already, and how large.  A page
 * mapped read-only is not, under write intent: that is how a read fault leaves
 * the zero page.  Except in a slot with dirty logging, where every clean page
 * looks like that.
 */
static bool map_memory_page_present(struct kvm_vcpu *vcpu,
				    struct kvm_page_fault *fault)
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

static int map_memory_get_shared_pfn(struct kvm_page_fault *fault)
{
	fault->pfn = kvm_map_memory_get_pfn(fault->slot, fault->gfn, fault->write,
					    &fault->map_writable, &fault->hva);

	/* Where the VMA is not writable a read is all that can be done. */
	if (fault->write && (fault->pfn == KVM_PFN_ERR_FAULT ||
			     fault->pfn == KVM_PFN_ERR_RO_FAULT))
		fault->pfn = kvm_map_memory_get_pfn(fault->slot, fault->gfn, false,
						    &fault->map_writable,
						    &fault->hva);

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
static int map_memory_faultin(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;

	fault->mmu_seq = kvm->mmu_invalidate_seq;
	/* Pairs with the smp_wmb() in kvm_mmu_invalidate_end(). */
	smp_rmb();

	if (fault->is_private != kvm_mem_is_private(kvm, fault->gfn) ||
	    mmu_invalidate_retry_gfn_unsafe(kvm, fault->mmu_seq, fault->gfn))
		return RET_PF_RETRY;

	if (fault->is_private)
		return kvm_faultin_pfn_private(vcpu, fault);

	return map_memory_get_shared_pfn(fault);
}

static int map_memory_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)
{
	struct kvm *kvm = vcpu->kvm;
	kvm_pfn_t pfn;
	int r;

	r = map_memory_faultin(vcpu, fault);
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
	if (!map_memory_root_valid(vcpu) ||
	    mmu_invalidate_retry_gfn(kvm, fault->mmu_seq, fault->gfn))
		r = RET_PF_RETRY;
	else
		r = kvm_tdp_mmu_map(vcpu, fault);

	read_unlock(&kvm->mmu_lock);
	kvm_map_memory_put_pfn(pfn);

	return r;
}

/* The SPTE at @walk->gpa is done: it may cover more than what is asked for. */
static int map_memory_advance(struct kvm_map_memory_walk *walk, u8 level, u64 *count)
{
	gpa_t next = (walk->gpa & KVM_HPAGE_MASK(level)) + KVM_HPAGE_SIZE(level);

	next = min(next, walk->end);
	*count += next - walk->gpa;
	walk->gpa = next;

	/* After a huge page expect another: it is no matter for a run. */
	if (level > PG_LEVEL_4K)
		walk->single_end = next + PAGE_SIZE;

	return 1;
}

static bool map_memory_wants_write(const struct kvm_memory_slot *slot,
				   const struct kvm_map_memory_walk *walk)
{
	return !(walk->mapping->flags & KVM_MEMORY_MAPPING_READ) &&
	       !(slot->flags & KVM_MEM_READONLY);
}

static int map_memory_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot,
			   struct kvm_map_memory_walk *walk)
{
	bool private = kvm_mem_is_private(vcpu->kvm, gpa_to_gfn(walk->gpa));
	bool write = map_memory_wants_write(slot, walk);
	struct kvm_page_fault fault = {
		.addr = walk->gpa,
		.error_code = PFERR_GUEST_FINAL_MASK | PFERR_MAP_MEMORY |
			      (write ? PFERR_WRITE_MASK : 0) |
			      (private ? PFERR_PRIVATE_ACCESS : 0),
		.write = write,
		.prefetch = map_memory_prefetch(),
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
		.hva = KVM_HVA_ERR_BAD,
	};
	int r;

	if (map_memory_page_present(vcpu, &fault))
		return map_memory_advance(walk, fault.goal_level,
					  &walk->count.present);

	r = map_memory_fault(vcpu, &fault);
	switch (r) {
	case RET_PF_FIXED:
	case RET_PF_WRITE_PROTECTED:
		return map_memory_advance(walk, fault.goal_level,
					  &walk->count.mapped);
	case RET_PF_SPURIOUS:
		return map_memory_advance(walk, fault.goal_level,
					  &walk->count.present);
	case RET_PF_RETRY:
		return 0;
	default:
		return WARN_ON_ONCE(r > 0) ? -EIO : r;
	}
}

/*
 * Bring the pages of @run in, as writing to them would; any signal ends it.
 *
 * That can take any time, so SRCU is not held, as a memslot update would have
 * to wait for it.  What has become of the slot meanwhile is looked at again
 * before anything is mapped; at worst some other memory of the VMM is brought
 * in for nothing.
 */
static void map_memory_populate(unsigned long hva, unsigned int nr)
{
	get_user_pages_unlocked(hva, nr, NULL, FOLL_WRITE | FOLL_HWPOISON |
				FOLL_INTERRUPTIBLE);
}

static gfn_t map_memory_leaf_table_gfn(gfn_t gfn)
{
	return ALIGN_DOWN(gfn, KVM_PAGES_PER_HPAGE(PG_LEVEL_2M));
}

/* Make @run what is left of the walk's mapping, in its slot and leaf table. */
static void map_memory_init_run(struct tdp_map_run *run,
				const struct kvm_map_memory_walk *walk)
{
	const struct kvm_memory_slot *slot = run->slot;
	gfn_t end;

	run->gfn = gpa_to_gfn(walk->gpa);
	end = map_memory_leaf_table_gfn(run->gfn) + KVM_PAGES_PER_HPAGE(PG_LEVEL_2M);
	end = min3(end, gpa_to_gfn(walk->end), slot->base_gfn + slot->npages);
	run->nr = end - run->gfn;
}

/*
 * As long as mmu_lock is held no invalidation can begin, and where none is under
 * way the host's page tables are what the SPTEs may say: pages found there need
 * no mmu_invalidate_seq.
 */
static bool map_memory_run_is_stable(struct kvm *kvm, const struct tdp_map_run *run)
{
	lockdep_assert_held_read(&kvm->mmu_lock);

	return !kvm->mmu_invalidate_in_progress ||
	       run->gfn >= kvm->mmu_invalidate_range_end ||
	       run->gfn + run->nr <= kvm->mmu_invalidate_range_start;
}

static bool map_memory_run_is_small(struct kvm *kvm, const struct tdp_map_run *run)
{
	return kvm_slot_dirty_track_enabled(run->slot) ||
	       kvm_mmu_max_mapping_level(kvm, run->slot, run->gfn,
					 KVM_MAX_HUGEPAGE_LEVEL) == PG_LEVEL_4K;
}

/* To the next mapping, if it wants more of the same from the same leaf table. */
static bool map_memory_next_run(const struct tdp_map_run *run,
				struct kvm_map_memory_walk *walk)
{
	const struct kvm_memory_mapping *next = walk->mapping + 1;
	const struct kvm_memory_slot *slot = run->slot;
	gfn_t gfn;

	if (walk->gpa < walk->end || !walk->nr_following)
		return false;

	gfn = gpa_to_gfn(next->base_address);
	return next->size && next->flags == walk->mapping->flags &&
	       map_memory_leaf_table_gfn(gfn) == map_memory_leaf_table_gfn(run->gfn) &&
	       gfn - slot->base_gfn < slot->npages &&
	       kvm_map_memory_walk_next(walk);
}

enum map_memory_runs {
	/* Some was mapped. */
	RUNS_MAPPED,
	/* The first page has to be brought in, or to be mapped as by a fault. */
	RUNS_MISSING,
	/* A huge page, or the like. */
	RUNS_UNFIT,
	/* The memory or the root is changing. */
	RUNS_RETRY,
};

/* Under mmu_lock. */
static enum map_memory_runs map_memory_runs(struct kvm_vcpu *vcpu,
					    struct tdp_map_run *run,
					    struct kvm_map_memory_walk *walk)
{
	enum map_memory_runs result = RUNS_MISSING;
	struct kvm *kvm = vcpu->kvm;
	unsigned int done;

	map_memory_init_run(run, walk);
	if (!map_memory_root_valid(vcpu) || !map_memory_run_is_stable(kvm, run))
		return RUNS_RETRY;
	if (!map_memory_run_is_small(kvm, run))
		return RUNS_UNFIT;

	for (;;) {
		kvm_tdp_mmu_map_run(vcpu, run);

		done = run->nr_mapped + run->nr_present;
		if (done)
			result = RUNS_MAPPED;
		walk->count.mapped += (u64)run->nr_mapped << PAGE_SHIFT;
		walk->count.present += (u64)run->nr_present << PAGE_SHIFT;
		walk->gpa += (u64)done << PAGE_SHIFT;

		if (need_resched() || rwlock_needbreak(&kvm->mmu_lock) ||
		    !map_memory_next_run(run, walk))
			return result;

		map_memory_init_run(run, walk);
		if (!map_memory_run_is_stable(kvm, run))
			return result;
	}
}

static enum map_memory_runs map_memory_small_pages(struct kvm_vcpu *vcpu,
						   struct tdp_map_run *run,
						   struct kvm_map_memory_walk *walk)
{
	const struct kvm_memory_slot *slot = run->slot;
	enum map_memory_runs result;

	if (kvm_slot_can_be_private(slot))
		return RUNS_UNFIT;

	/*
	 * In a read-only slot nothing is mapped writable, nor in one with dirty
	 * logging, see map_memory_fault().  Else a read maps writable what can
	 * be, and pages that cannot be are not for runs.
	 */
	run->host_write = !(slot->flags & KVM_MEM_READONLY);
	run->map_writable = run->host_write && !kvm_slot_dirty_track_enabled(slot);

	read_lock(&vcpu->kvm->mmu_lock);
	rcu_read_lock();
	result = map_memory_runs(vcpu, run, walk);
	rcu_read_unlock();
	read_unlock(&vcpu->kvm->mmu_lock);

	return result;
}

/*
 * What a run could not map probably has neighbours of that kind, and finding
 * that out again for each page would cost more than the page.
 */
#define MAP_MEMORY_SINGLE_BYTES	(64 * PAGE_SIZE)

/*
 * Map what is at @walk->gpa.  If it has to be brought in first, and @populate
 * allows that, return 0 and tell which pages.
 */
static int map_memory_step(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot,
			   struct kvm_map_memory_walk *walk, bool populate,
			   unsigned long *hva, unsigned int *nr)
{
	struct tdp_map_run run = {
		.slot = slot,
		.write = map_memory_wants_write(slot, walk),
		.prefetch = map_memory_prefetch(),
	};
	int r;

	r = map_memory_topup(vcpu);
	if (r)
		return r;

	if (walk->gpa < walk->single_end)
		return map_memory_page(vcpu, slot, walk);

	switch (map_memory_small_pages(vcpu, &run, walk)) {
	case RUNS_MAPPED:
		return 1;
	case RUNS_RETRY:
		/*
		 * A fault would do no better, and if it replaced a shared page
		 * it would make others that wait here wait on.
		 */
		return 0;
	case RUNS_MISSING:
		/* For a read the pages need not become what a run can map. */
		if (run.write && populate) {
			*hva = __gfn_to_hva_memslot(slot, run.gfn);
			*nr = run.nr;
			return 0;
		}
		walk->single_end = walk->gpa + MAP_MEMORY_SINGLE_BYTES;
		break;
	case RUNS_UNFIT:
		break;
	}

	return map_memory_page(vcpu, slot, walk);
}

static int map_memory_in_slot(struct kvm_vcpu *vcpu, struct kvm_map_memory_walk *walk,
			      bool populate, unsigned long *hva, unsigned int *nr)
{
	/* kvm_memslots() are those of address space 0: outside SMM. */
	struct kvm_memory_slot *slot = __gfn_to_memslot(kvm_memslots(vcpu->kvm),
							gpa_to_gfn(walk->gpa));
	int r;

	if (!slot || slot->id >= KVM_USER_MEM_SLOTS)
		return -ENOENT;

	/*
	 * Waiting for the update to end would be a deadlock, as it waits for
	 * this SRCU reader.
	 */
	if (slot->flags & KVM_MEMSLOT_INVALID)
		return -EAGAIN;

	r = map_memory_load_root(vcpu);
	if (r)
		return r;

	return map_memory_step(vcpu, slot, walk, populate, hva, nr);
}

static int map_memory_try(struct kvm_vcpu *vcpu, struct kvm_map_memory_walk *walk,
			  bool populate, unsigned long *hva, unsigned int *nr)
{
	int idx = srcu_read_lock(&vcpu->kvm->srcu);
	int r = map_memory_in_slot(vcpu, walk, populate, hva, nr);

	srcu_read_unlock(&vcpu->kvm->srcu, idx);

	return r;
}

int kvm_arch_map_memory(struct kvm_vcpu *vcpu, struct kvm_map_memory_walk *walk)
{
	unsigned int nr = 0;
	unsigned long hva;
	int r;

	r = map_memory_try(vcpu, walk, true, &hva, &nr);
	if (!nr)
		return r;

	/* Where that fails the fault for the first page tells why. */
	map_memory_populate(hva, nr);

	return map_memory_try(vcpu, walk, false, &hva, &nr);
}
