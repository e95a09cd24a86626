/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY in the TDP MMU.  tdp_map_memory.c maps the start of a walk: by
 * tdp_map_resident.c if the pages are in the host's memory, else by
 * tdp_map_fault.c.  The former looks pages up in host_mapping.c and has small ones
 * mapped by tdp_map_leaf.c.
 */
#ifndef __KVM_X86_MMU_TDP_MAP_H
#define __KVM_X86_MMU_TDP_MAP_H

#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>

#include "mmu_internal.h"
#include "spte.h"
#include "tdp_iter.h"
#include "tdp_map_compat.h"

/* SPTEs made, and pages looked up, at a time: a bit each of an u64. */
#define TDP_MAP_LEAF_PAGES	64

/*
 * Pages of one memslot and one size, with their SPTEs in one table, the leaf table.
 * That has tables below it as well if the pages are huge.
 */
struct tdp_map_leaf {
	const struct kvm_memory_slot *slot;
	/* KVM_MEMORY_MAPPING_* */
	u64 flags;
	u8 level;
	/* The span of the leaf table, and the part of it that is the slot's. */
	gfn_t table_gfn;
	gfn_t start;
	gfn_t end;
	/* An SPTE that is read-only is not good enough, if it can be writable. */
	bool write;
	/* Take only pages that are writable for the host. */
	bool host_write;
	bool map_writable;
	bool prefetch;
	/* Skip pages that are not there. */
	bool resident;

	/*
	 * The pages' places in the leaf table, in the order to map them.  If they are
	 * neighbours that is @first and those that follow, and @index is not set.
	 */
	unsigned int nr;
	bool neighbours;
	u16 first;
	u16 index[TDP_MAP_LEAF_PAGES];

	/* How many of them are done, up to the first that was not simply there. */
	unsigned int nr_mapped;
	unsigned int nr_present;
	unsigned int nr_skipped;

	/* For the next pages of the same RCU section and hold of mmu_lock. */
	u64 *leaf_table;
	/* An SPTE but for its pfn, and the host's PTE of that page; or 0. */
	u64 spte_bits;
	pteval_t host_flags;
	/* Host addresses at which each page is one of anonymous, shared or hugetlb memory. */
	unsigned long known_start;
	unsigned long known_end;
	/* If not NULL, leaf_table is this one's, which is not linked to its parent yet. */
	struct kvm_mmu_page *new_table;
	struct tdp_iter parent;
	unsigned int nr_new;

	/* Pages whose SPTE is good enough already; such as are not there, and skipped. */
	u64 present;
	u64 absent;
	/* Of all others. */
	union {
		kvm_pfn_t pfns[TDP_MAP_LEAF_PAGES];
		struct page *pages[TDP_MAP_LEAF_PAGES];
	};
};

/* The first @nr pages of a leaf. */
static inline u64 tdp_map_leaf_mask(unsigned int nr)
{
	return nr ? GENMASK_ULL(nr - 1, 0) : 0;
}

/* For loops over pages: @neighbours is leaf->neighbours. */
static __always_inline unsigned int tdp_map_leaf_index(const struct tdp_map_leaf *leaf,
						       unsigned int i, bool neighbours)
{
	return neighbours ? leaf->first + i : leaf->index[i];
}

static inline gfn_t tdp_map_leaf_gfn(const struct tdp_map_leaf *leaf, unsigned int index)
{
	return leaf->table_gfn + index * KVM_PAGES_PER_HPAGE(leaf->level);
}

enum tdp_map_result {
	/* The walk has advanced. */
	TDP_MAP_ADVANCED,
	/* The first page has to be faulted in, or to be mapped as by a fault. */
	TDP_MAP_MISSING,
	/* It has to be mapped as by a fault. */
	TDP_MAP_UNFIT,
	/* The memory or the root is changing. */
	TDP_MAP_RETRY,
};

/* The context of a vCPU is the vCPU itself. */
struct kvm_map_memory_context {
	struct kvm_vcpu vcpu;
};

/*
 * A prefetched SPTE is not marked accessed.  Without A/D bits that would make it
 * inaccessible, and the guest would fault again.
 */
static inline bool kvm_tdp_map_prefetch(void)
{
	return kvm_tdp_map_ad_enabled();
}

static inline bool kvm_tdp_map_wants_write(const struct kvm_memory_slot *slot,
					   const struct kvm_map_memory_walk *walk)
{
	return !(walk->mapping->flags & KVM_MEMORY_MAPPING_READ) &&
	       !(slot->flags & KVM_MEM_READONLY);
}

static inline bool kvm_tdp_map_wants_resident(const struct kvm_map_memory_walk *walk)
{
	return walk->mapping->flags & KVM_MEMORY_MAPPING_RESIDENT;
}

/* tdp_map_context.c */
int kvm_tdp_map_topup(struct kvm_vcpu *vcpu);
bool kvm_tdp_map_root_valid(struct kvm_vcpu *vcpu);
int kvm_tdp_map_load_root(struct kvm_vcpu *vcpu);

/* tdp_map_fault.c */
int kvm_tdp_map_fault_page(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot,
			   struct kvm_map_memory_walk *walk);

/* tdp_map_resident.c */
enum tdp_map_result kvm_tdp_map_resident(struct kvm_vcpu *vcpu,
					 struct tdp_map_leaf *leaf,
					 struct kvm_memory_slot *slot,
					 struct kvm_map_memory_walk *walk);

/* host_mapping.c */
static inline void kvm_host_mapping_forget(struct kvm_map_memory_walk *walk)
{
	walk->arch_known.start = 0;
	walk->arch_known.end = 0;
}

void kvm_host_mapping_know(struct kvm *kvm, struct kvm_map_memory_walk *walk,
			   unsigned long hva);
bool kvm_host_mapping_is_huge(struct kvm *kvm, unsigned long hva);
gfn_t kvm_host_mapping_hole_end(struct kvm *kvm, const struct kvm_memory_slot *slot,
				gfn_t gfn);
unsigned int kvm_host_mapping_copy(struct kvm *kvm, struct tdp_map_leaf *leaf);
unsigned int kvm_host_mapping_read(struct kvm *kvm, struct tdp_map_leaf *leaf);
unsigned int kvm_host_mapping_get(struct tdp_map_leaf *leaf);

/* tdp_map_leaf.c */
enum tdp_map_result kvm_tdp_mmu_map_leaf(struct kvm_vcpu *vcpu, struct tdp_map_leaf *leaf);
bool kvm_tdp_mmu_link_leaf(struct kvm_vcpu *vcpu, struct tdp_map_leaf *leaf);

#endif /* __KVM_X86_MMU_TDP_MAP_H */
