/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_MMU_MAP_MEMORY_H
#define __KVM_X86_MMU_MAP_MEMORY_H

#include <linux/kvm_host.h>

/* Pages looked up at a time. */
#define TDP_MAP_RUN_BATCH	64

/* For a pfn: the SPTE is good enough already. */
#define TDP_MAP_RUN_PRESENT	(~0ULL)

/* Small pages of one memslot, below one leaf table. */
struct tdp_map_run {
	const struct kvm_memory_slot *slot;
	/* KVM_MEMORY_MAPPING_* */
	u64 flags;
	/* What the leaf table covers, and which part of that the slot has. */
	gfn_t table_gfn;
	gfn_t start;
	gfn_t end;
	/* An SPTE that is read-only is not good enough, if it can be writable. */
	bool write;
	/* Take only pages that are writable for the host. */
	bool host_write;
	bool map_writable;
	bool prefetch;
	/* Pass over pages that are not there. */
	bool resident;

	/* Where in the leaf table the pages are, in the order to map them. */
	unsigned int nr;
	u16 index[TDP_MAP_RUN_BATCH];

	/* How far it went: up to what is no matter for a run, or to a pause. */
	unsigned int nr_mapped;
	unsigned int nr_present;
	unsigned int nr_skipped;

	/* For the next pages of the same RCU section. */
	u64 *leaf_table;
	u64 spte_bits;

	union {
		kvm_pfn_t pfns[TDP_MAP_RUN_BATCH];
		struct page *pages[TDP_MAP_RUN_BATCH];
	};
};

/* map_memory_context.c */
int map_memory_topup(struct kvm_vcpu *vcpu);
bool map_memory_topped_up(struct kvm_vcpu *vcpu);
bool map_memory_root_valid(struct kvm_vcpu *vcpu);
int map_memory_load_root(struct kvm_vcpu *vcpu);

/* host_mapping.c */
unsigned int host_mapping_read(struct kvm *kvm, struct tdp_map_run *run);
unsigned int host_mapping_get(struct tdp_map_run *run);
unsigned int host_mapping_count_absent(struct kvm *kvm, const struct tdp_map_run *run);
bool host_mapping_read_huge(struct kvm *kvm, const struct tdp_map_run *run,
			    gfn_t gfn, kvm_pfn_t *pfn);

/* tdp_map_run.c */
void kvm_tdp_mmu_map_run(struct kvm_vcpu *vcpu, struct tdp_map_run *run);

#endif /* __KVM_X86_MMU_MAP_MEMORY_H */
