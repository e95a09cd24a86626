// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY on x86: the L1, non-SMM guest-physical space into the TDP MMU.
 *
 * Pages that are in memory are mapped several at a time, after they have been
 * brought in if need be: small ones in runs (tdp_map_run.c), huge ones one SPTE
 * after the other, with one hold of mmu_lock.  All else is mapped as by a fault.
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

/* Beside RET_PF_*: the page is not in memory. */
#define MAP_MEMORY_SKIP		(RET_PF_SPURIOUS + 1)

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

/*
 * What is in memory, and may be mapped as the fault wants it, without waiting
 * for anything.
 */
static int map_memory_get_resident_pfn(struct kvm_page_fault *fault)
{
	unsigned long hva = __gfn_to_hva_memslot(fault->slot, fault->gfn);
	struct page *page;

	fault->map_writable = !(fault->slot->flags & KVM_MEM_READONLY) &&
			      get_user_page_fast_only(hva, FOLL_WRITE, &page);
	if (!fault->map_writable &&
	    (fault->write || !get_user_page_fast_only(hva, 0, &page)))
		return MAP_MEMORY_SKIP;

	fault->hva = hva;
	fault->pfn = page_to_pfn(page);
	return RET_PF_CONTINUE;
}

/*
 * Whether it is the VMA that does not let the page be written to.  Else there was,
 * say, no memory for it: mapping what a read finds, the zero page, would hide that.
 */
static bool map_memory_is_read_only(const struct kvm_page_fault *fault)
{
	struct vm_area_struct *vma;
	bool read_only;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, __gfn_to_hva_memslot(fault->slot, fault->gfn));
	read_only = vma && !(vma->vm_flags & VM_WRITE);
	mmap_read_unlock(current->mm);

	return read_only;
}

static void map_memory_look_for_pfn(struct kvm_page_fault *fault, bool write)
{
	fault->pfn = kvm_map_memory_get_pfn(fault->slot, fault->gfn, write,
					    &fault->map_writable, &fault->hva);
}

static int map_memory_get_shared_pfn(struct kvm_page_fault *fault)
{
	map_memory_look_for_pfn(fault, fault->write);

	/*
	 * Where the VMA is not writable a read is all that can be done.  Where it
	 * is, it may have become so a moment ago, and no invalidation tells.
	 */
	if (fault->write && fault->pfn == KVM_PFN_ERR_FAULT)
		map_memory_look_for_pfn(fault, !map_memory_is_read_only(fault));

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
static int map_memory_faultin(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault,
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
	if (fault->is_private)
		return resident ? MAP_MEMORY_SKIP :
				  kvm_faultin_pfn_private(vcpu, fault);

	if (resident)
		return map_memory_get_resident_pfn(fault);

	r = map_memory_get_shared_pfn(fault);

	/*
	 * First the page is looked for, then the VMA.  If one VMA is replaced by
	 * another in between, neither of them need have been at fault.
	 */
	if (r == -EFAULT &&
	    mmu_invalidate_retry_gfn_unsafe(kvm, fault->mmu_seq, fault->gfn))
		return RET_PF_RETRY;

	return r;
}

static int map_memory_fault(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault,
			    bool resident)
{
	struct kvm *kvm = vcpu->kvm;
	kvm_pfn_t pfn;
	int r;

	r = map_memory_faultin(vcpu, fault, resident);
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

	return 1;
}

static bool map_memory_wants_write(const struct kvm_memory_slot *slot,
				   const struct kvm_map_memory_walk *walk)
{
	return !(walk->mapping->flags & KVM_MEMORY_MAPPING_READ) &&
	       !(slot->flags & KVM_MEM_READONLY);
}

static bool map_memory_wants_resident(const struct kvm_map_memory_walk *walk)
{
	return walk->mapping->flags & KVM_MEMORY_MAPPING_RESIDENT;
}

static struct kvm_page_fault map_memory_make_fault(struct kvm_vcpu *vcpu,
						   struct kvm_memory_slot *slot,
						   const struct kvm_map_memory_walk *walk)
{
	bool private = kvm_mem_is_private(vcpu->kvm, gpa_to_gfn(walk->gpa));
	bool write = map_memory_wants_write(slot, walk);

	return (struct kvm_page_fault) {
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
}

/* @r is what has become of @fault. */
static int map_memory_finish_fault(const struct kvm_page_fault *fault, int r,
				   struct kvm_map_memory_walk *walk)
{
	switch (r) {
	case RET_PF_FIXED:
	case RET_PF_WRITE_PROTECTED:
		return map_memory_advance(walk, fault->goal_level,
					  &walk->count.mapped);
	case RET_PF_SPURIOUS:
		return map_memory_advance(walk, fault->goal_level,
					  &walk->count.present);
	case MAP_MEMORY_SKIP:
		return map_memory_advance(walk, PG_LEVEL_4K,
					  &walk->count.skipped);
	case RET_PF_RETRY:
		return 0;
	default:
		return WARN_ON_ONCE(r > 0) ? -EIO : r;
	}
}

static int map_memory_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot,
			   struct kvm_map_memory_walk *walk)
{
	struct kvm_page_fault fault = map_memory_make_fault(vcpu, slot, walk);
	int r = RET_PF_SPURIOUS;

	if (!map_memory_page_present(vcpu, &fault))
		r = map_memory_fault(vcpu, &fault, map_memory_wants_resident(walk));

	return map_memory_finish_fault(&fault, r, walk);
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

/* For the slot's pages in the leaf table at the start of the walk. */
static void map_memory_init_run(struct tdp_map_run *run,
				const struct kvm_memory_slot *slot,
				const struct kvm_map_memory_walk *walk)
{
	gfn_t gfn = gpa_to_gfn(walk->gpa);

	run->slot = slot;
	run->flags = walk->mapping->flags;
	run->table_gfn = ALIGN_DOWN(gfn, KVM_PAGES_PER_HPAGE(PG_LEVEL_2M));
	run->start = max(run->table_gfn, slot->base_gfn);
	run->end = min(run->table_gfn + KVM_PAGES_PER_HPAGE(PG_LEVEL_2M),
		       slot->base_gfn + slot->npages);
	run->write = map_memory_wants_write(slot, walk);
	run->prefetch = map_memory_prefetch();
	run->resident = map_memory_wants_resident(walk);
	run->leaf_table = NULL;
	run->spte_bits = 0;

	/*
	 * In a read-only slot nothing is mapped writable, nor in one with dirty
	 * logging, see map_memory_fault().  Else a read maps writable what can
	 * be, and pages that cannot be are not for runs.
	 */
	run->host_write = !(slot->flags & KVM_MEM_READONLY);
	run->map_writable = run->host_write && !kvm_slot_dirty_track_enabled(slot);
}

/*
 * The next pages of the walk, also those of mappings that follow.  @walk goes to
 * where it will be once all of them are done.
 */
static void map_memory_collect(struct tdp_map_run *run,
			       struct kvm_map_memory_walk *walk)
{
	gfn_t gfn, end, stop;

	run->nr = 0;
	do {
		gfn = gpa_to_gfn(walk->gpa);
		end = gpa_to_gfn(walk->end);
		if (gfn == end)
			continue;

		if (walk->mapping->flags != run->flags ||
		    gfn < run->start || gfn >= run->end)
			return;

		stop = min3(end, run->end, gfn + TDP_MAP_RUN_BATCH - run->nr);
		while (gfn < stop)
			run->index[run->nr++] = gfn++ - run->table_gfn;
		walk->gpa = gfn_to_gpa(gfn);
	} while (kvm_map_memory_walk_next(walk));
}

/* The first @nr pages that were collected are done. */
static void map_memory_pass(struct kvm_map_memory_walk *walk, unsigned int nr)
{
	u64 left = (u64)nr << PAGE_SHIFT, step;

	for (;;) {
		step = min(left, walk->end - walk->gpa);
		walk->gpa += step;
		left -= step;
		if (!left)
			return;
		kvm_map_memory_walk_next(walk);
	}
}

/*
 * As long as mmu_lock is held no invalidation can begin, and where none is under
 * way the host's page tables are what the SPTEs may say: pages found there need
 * no mmu_invalidate_seq.
 */
static bool map_memory_is_stable(struct kvm *kvm, gfn_t start, gfn_t end)
{
	lockdep_assert_held_read(&kvm->mmu_lock);

	return !kvm->mmu_invalidate_in_progress ||
	       start >= kvm->mmu_invalidate_range_end ||
	       end <= kvm->mmu_invalidate_range_start;
}

static bool map_memory_run_is_stable(struct kvm *kvm, const struct tdp_map_run *run)
{
	u16 first = run->index[0], last = first;
	unsigned int i;

	if (likely(!kvm->mmu_invalidate_in_progress))
		return true;

	for (i = 1; i < run->nr; i++) {
		first = min(first, run->index[i]);
		last = max(last, run->index[i]);
	}

	return map_memory_is_stable(kvm, run->table_gfn + first,
				    run->table_gfn + last + 1);
}

static bool map_memory_is_small(struct kvm *kvm, const struct tdp_map_run *run,
				gfn_t gfn)
{
	return kvm_slot_dirty_track_enabled(run->slot) ||
	       kvm_mmu_max_mapping_level(kvm, run->slot, gfn,
					 KVM_MAX_HUGEPAGE_LEVEL) == PG_LEVEL_4K;
}

enum map_memory_runs {
	/* The walk has advanced. */
	RUNS_MAPPED,
	/* The first page has to be brought in, or to be mapped as by a fault. */
	RUNS_MISSING,
	/* It has to be mapped as by a fault. */
	RUNS_UNFIT,
	/* The memory or the root is changing. */
	RUNS_RETRY,
};

static bool map_memory_needs_break(struct kvm *kvm)
{
	return need_resched() || rwlock_needbreak(&kvm->mmu_lock);
}

/* SPTEs of huge pages that are made with one hold of mmu_lock, at most. */
#define MAP_MEMORY_HUGE_BATCH	16

/* Returns as map_memory_page() does, or -ENOENT if that has to do it. */
static int map_memory_huge_page(struct kvm_vcpu *vcpu, const struct tdp_map_run *run,
				struct kvm_memory_slot *slot,
				struct kvm_map_memory_walk *walk)
{
	struct kvm_page_fault fault = map_memory_make_fault(vcpu, slot, walk);
	int r = RET_PF_SPURIOUS;

	if (!map_memory_is_stable(vcpu->kvm, fault.gfn, fault.gfn + 1))
		return 0;

	if (!map_memory_page_present(vcpu, &fault)) {
		if (!host_mapping_read_huge(vcpu->kvm, run, fault.gfn, &fault.pfn))
			return -ENOENT;
		fault.map_writable = run->map_writable;
		r = kvm_tdp_mmu_map(vcpu, &fault);
	}

	return map_memory_finish_fault(&fault, r, walk);
}

/* Under mmu_lock, with a valid root. */
static enum map_memory_runs map_memory_huge_pages(struct kvm_vcpu *vcpu,
						  const struct tdp_map_run *run,
						  struct kvm_memory_slot *slot,
						  struct kvm_map_memory_walk *walk)
{
	gpa_t end = min(walk->end, gfn_to_gpa(slot->base_gfn + slot->npages));
	unsigned int nr;
	int r;

	for (nr = 0; nr < MAP_MEMORY_HUGE_BATCH && walk->gpa < end; nr++) {
		if (nr && (!map_memory_topped_up(vcpu) ||
			   map_memory_needs_break(vcpu->kvm)))
			break;

		r = map_memory_huge_page(vcpu, run, slot, walk);
		if (r <= 0)
			break;
	}

	if (nr)
		return RUNS_MAPPED;

	/* It is there, but may have to be made writable, which can take any time. */
	return r == 0 ? RUNS_RETRY : RUNS_MISSING;
}

/* Under mmu_lock, with a valid root. */
static enum map_memory_runs map_memory_small_pages(struct kvm_vcpu *vcpu,
						   struct tdp_map_run *run,
						   struct kvm_map_memory_walk *walk)
{
	enum map_memory_runs result = RUNS_MISSING;
	struct kvm_map_memory_walk ahead;
	unsigned int done;

	for (;;) {
		ahead = *walk;
		map_memory_collect(run, &ahead);
		if (!run->nr)
			return result;
		if (!map_memory_run_is_stable(vcpu->kvm, run))
			return result == RUNS_MAPPED ? result : RUNS_RETRY;

		kvm_tdp_mmu_map_run(vcpu, run);

		done = run->nr_mapped + run->nr_present + run->nr_skipped;
		if (!done)
			return result;

		result = RUNS_MAPPED;
		walk->count.mapped += (u64)run->nr_mapped << PAGE_SHIFT;
		walk->count.present += (u64)run->nr_present << PAGE_SHIFT;
		walk->count.skipped += (u64)run->nr_skipped << PAGE_SHIFT;
		if (done < run->nr) {
			map_memory_pass(walk, done);
			return result;
		}

		ahead.count = walk->count;
		*walk = ahead;
		if (map_memory_needs_break(vcpu->kvm))
			return result;
	}
}

static enum map_memory_runs map_memory_runs(struct kvm_vcpu *vcpu,
					    struct tdp_map_run *run,
					    struct kvm_memory_slot *slot,
					    struct kvm_map_memory_walk *walk)
{
	gfn_t gfn = gpa_to_gfn(walk->gpa);
	struct kvm *kvm = vcpu->kvm;
	enum map_memory_runs result;

	/*
	 * There each page has to be asked for its attributes, also in a slot that
	 * has nothing but shared memory.
	 */
	if (kvm_arch_has_private_mem(kvm))
		return RUNS_UNFIT;

	map_memory_init_run(run, slot, walk);

	read_lock(&kvm->mmu_lock);
	rcu_read_lock();
	/* Nothing that is being invalidated tells how large pages are. */
	if (!map_memory_root_valid(vcpu) || !map_memory_is_stable(kvm, gfn, gfn + 1))
		result = RUNS_RETRY;
	else if (map_memory_is_small(kvm, run, gfn))
		result = map_memory_small_pages(vcpu, run, walk);
	else
		result = map_memory_huge_pages(vcpu, run, slot, walk);
	rcu_read_unlock();
	read_unlock(&kvm->mmu_lock);

	return result;
}

/* Those of the leaf table that the walk's mapping still wants. */
static unsigned int map_memory_nr_to_populate(const struct tdp_map_run *run,
					      const struct kvm_map_memory_walk *walk)
{
	return min(run->end, gpa_to_gfn(walk->end)) - gpa_to_gfn(walk->gpa);
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
	struct tdp_map_run run;
	int r;

	r = map_memory_topup(vcpu);
	if (r)
		return r;

	if (walk->gpa < walk->single_end)
		return map_memory_page(vcpu, slot, walk);

	switch (map_memory_runs(vcpu, &run, slot, walk)) {
	case RUNS_MAPPED:
		return 1;
	case RUNS_RETRY:
		/*
		 * A fault would do no better, and if it replaced a shared page
		 * it would make others that wait here wait on.
		 */
		return 0;
	case RUNS_MISSING:
		if (run.resident)
			break;
		/* For a read the pages need not become what a run can map. */
		if (run.write && populate) {
			*hva = __gfn_to_hva_memslot(slot, gpa_to_gfn(walk->gpa));
			*nr = map_memory_nr_to_populate(&run, walk);
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
