// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY on x86: the L1, non-SMM guest-physical space into the TDP MMU,
 * from where a walk is.
 *
 * Pages that are in memory are mapped several at a time, after they have been
 * faulted in if need be.  All others are mapped one by one, as by a fault.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>

#include "mmu.h"
#include "mmu_internal.h"
#include "tdp_map.h"

/*
 * Pages that could not be mapped with others probably have neighbours of that
 * kind, and finding that out again for each page would cost more than the page.
 */
#define TDP_MAP_SINGLE_BYTES	(64 * PAGE_SIZE)

/*
 * A slice: pages faulted in at a time, at first and at most.  Nothing but SIGKILL ends it
 * before its time, so where memory comes slowly, by memory.high, say, or from a disk,
 * a slice that took longer than a tick makes the next ones smaller: down to a page,
 * which is what a vCPU's fault brings in.
 */
#define TDP_MAP_SLICE_FIRST	16
#define TDP_MAP_SLICE_MAX	128

/* Beside what kvm_arch_map_memory() returns: fault pages in, then try again. */
#define TDP_MAP_POPULATE	2

/* One call of kvm_arch_map_memory(). */
struct tdp_map_step {
	struct kvm_vcpu *vcpu;
	struct kvm_map_memory_walk *walk;
	/* With TDP_MAP_POPULATE: the pages of the walk there may be faulted in. */
	gpa_t start;
	gpa_t end;
	/* The host's address of @start. */
	unsigned long hva;
	bool populated;
};

/*
 * At most @nr pages that @ahead comes to, until one cannot be faulted in.  Returns
 * whether more may follow.
 */
static bool tdp_map_populate_slice(const struct tdp_map_step *step,
				   struct kvm_map_memory_walk *ahead, unsigned int nr)
{
	long got, wanted;
	gpa_t end;

	while (nr) {
		if (ahead->gpa == ahead->end && !kvm_map_memory_walk_next(ahead))
			return false;

		end = min(ahead->end, step->end);
		if (ahead->gpa < step->start || ahead->gpa >= end ||
		    ahead->mapping->flags != step->walk->mapping->flags)
			return false;

		wanted = min_t(u64, nr, (end - ahead->gpa) >> PAGE_SHIFT);
		got = get_user_pages_unlocked(step->hva + (ahead->gpa - step->start),
					      wanted, NULL, FOLL_WRITE |
					      FOLL_HWPOISON | FOLL_INTERRUPTIBLE);
		if (got != wanted)
			return false;

		nr -= got;
		ahead->gpa += got << PAGE_SHIFT;
	}

	return true;
}

/*
 * Fault the pages of @step in, as writing to them would, slice by slice as long as
 * that is quick: the more of a leaf table are there, the less it takes to map them.  A
 * huge page comes as a whole.  Any signal ends it.
 *
 * That can take any time, so SRCU is not held, as a memslot update would have
 * to wait for it.  The slot is looked up again before anything is mapped; at
 * worst some other memory of the VMM was faulted in for nothing.
 */
static void tdp_map_populate(struct tdp_map_step *step)
{
	unsigned int *slice = &step->walk->arch_slice;
	struct kvm_map_memory_walk ahead = *step->walk;
	bool more, quick;
	unsigned long start;

	do {
		start = jiffies;
		more = tdp_map_populate_slice(step, &ahead, *slice);
		quick = !time_after(jiffies, start + 1);
		*slice = quick ? min(*slice * 2, TDP_MAP_SLICE_MAX) :
				 max(*slice / 4, 1);
	} while (more && quick && !signal_pending(current) &&
		 !test_thread_flag(TIF_NOTIFY_RESUME) &&
		 !kvm_host_mapping_is_huge(step->vcpu->kvm, step->hva));

	step->populated = true;
}

/* Some pages of the leaf table, from the first one on. */
static int tdp_map_ask_to_populate(struct tdp_map_step *step,
				   const struct tdp_map_leaf *leaf)
{
	struct kvm_map_memory_walk *walk = step->walk;

	if (!walk->arch_slice)
		walk->arch_slice = TDP_MAP_SLICE_FIRST;

	step->start = gfn_to_gpa(leaf->start);
	step->end = gfn_to_gpa(leaf->end);
	step->hva = __gfn_to_hva_memslot(leaf->slot, leaf->start);
	walk->all_there = false;
	return TDP_MAP_POPULATE;
}

/* @walk->arch_end is how far pages are mapped singly. */
static int tdp_map_step(struct tdp_map_step *step, struct kvm_memory_slot *slot)
{
	struct kvm_map_memory_walk *walk = step->walk;
	struct kvm_vcpu *vcpu = step->vcpu;
	/* Large, and written before it is read. */
	struct tdp_map_leaf leaf __uninitialized;
	int r;

	r = kvm_tdp_map_topup(vcpu);
	if (r)
		return r;

	if (walk->gpa < walk->arch_end)
		return kvm_tdp_map_fault_page(vcpu, slot, walk);

	switch (kvm_tdp_map_resident(vcpu, &leaf, slot, walk)) {
	case TDP_MAP_ADVANCED:
		return 1;
	case TDP_MAP_RETRY:
		/*
		 * A fault would do no better, and if it replaced a shared page
		 * it would make others that wait here wait on.
		 */
		return 0;
	case TDP_MAP_MISSING:
		if (leaf.resident)
			break;
		/* A read need not leave what kvm_tdp_map_resident() takes. */
		if (leaf.write && !step->populated)
			return tdp_map_ask_to_populate(step, &leaf);
		fallthrough;
	case TDP_MAP_UNFIT:
		walk->arch_end = walk->gpa + TDP_MAP_SINGLE_BYTES;
		walk->all_there = false;
		break;
	}

	return kvm_tdp_map_fault_page(vcpu, slot, walk);
}

static int tdp_map_in_slot(struct tdp_map_step *step)
{
	/* kvm_memslots() are those of address space 0: outside SMM. */
	struct kvm_memory_slot *slot = __gfn_to_memslot(kvm_memslots(step->vcpu->kvm),
							gpa_to_gfn(step->walk->gpa));
	int r;

	if (!slot || slot->id >= KVM_USER_MEM_SLOTS)
		return -ENOENT;

	/*
	 * Waiting for the update to end would be a deadlock, as it waits for
	 * this SRCU reader.
	 */
	if (slot->flags & KVM_MEMSLOT_INVALID)
		return -EAGAIN;

	r = kvm_tdp_map_load_root(step->vcpu);
	if (r)
		return r;

	return tdp_map_step(step, slot);
}

static int tdp_map_try(struct tdp_map_step *step)
{
	struct kvm *kvm = step->vcpu->kvm;
	int idx = srcu_read_lock(&kvm->srcu);
	int r = tdp_map_in_slot(step);

	srcu_read_unlock(&kvm->srcu, idx);

	return r;
}

/*
 * What a thread has to do before it returns to user mode or enters a guest, and not
 * after thousands of pages: above all, be slowed down by memory.high.  A signal that
 * comes in between is left to the caller.
 */
static void tdp_map_resume_work(struct kvm_vcpu *vcpu)
{
	if (unlikely(test_thread_flag(TIF_NOTIFY_RESUME)) && !signal_pending(current))
		kvm_tdp_map_handle_work(vcpu);
}

int kvm_arch_map_memory(struct kvm_map_memory_context *context,
			struct kvm_map_memory_walk *walk)
{
	struct tdp_map_step step = {
		.vcpu = &context->vcpu,
		.walk = walk,
	};
	int r;

	if (!walk->no_task_work)
		tdp_map_resume_work(step.vcpu);

	r = tdp_map_try(&step);
	if (r != TDP_MAP_POPULATE)
		return r;

	/* If that fails the fault for the first page tells why. */
	tdp_map_populate(&step);

	return tdp_map_try(&step);
}
