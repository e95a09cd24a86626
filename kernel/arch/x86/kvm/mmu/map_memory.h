/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_MMU_MAP_MEMORY_H
#define __KVM_X86_MMU_MAP_MEMORY_H

#include <linux/kvm_host.h>

/* Pages looked up at a time. */
#define TDP_MAP_RUN_BATCH	64

/* Neighbouring small pages of one memslot, below one leaf table. */
struct tdp_map_run {
	const struct kvm_memory_slot *slot;
	gfn_t gfn;
	unsigned int nr;
	/* An SPTE that is read-only is not good enough, if it can be writable. */
	bool write;
	/* Take only pages that are writable for the host. */
	bool host_write;
	bool map_writable;
	bool prefetch;

	/* How far it went: up to what is no matter for a run, or to a pause. */
	unsigned int nr_mapped;
	unsigned int nr_present;

	/* For the next run of the same RCU section, in the same leaf table. */
	u64 *leaf_table;
	u64 spte_bits;

	union {
		kvm_pfn_t pfns[TDP_MAP_RUN_BATCH];
		struct page *pages[TDP_MAP_RUN_BATCH];
	};
};

/* map_memory_context.c */
int map_memory_topup(struct kvm_vcpu *vcpu);
bool map_memory_root_valid(struct kvm_vcpu *vcpu);
int map_memory_load_root(struct kvm_vcpu *vcpu);

/* tdp_map_run.c */
void kvm_tdp_mmu_map_run(struct kvm_vcpu *vcpu, struct tdp_map_run *run);

#endif /* __KVM_X86_MMU_MAP_MEMORY_H */
