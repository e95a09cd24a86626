// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY on x86: on whose behalf the MMU maps.  That is a vCPU, or a
 * context that stands for none, and the root of either.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/slab.h>

#include "map_memory.h"
#include "mmu.h"
#include "mmu_internal.h"
#include "smm.h"
#include "spte.h"
#include "tdp_mmu.h"

/* vcpu_id of a context.  No vCPU that userspace makes can have it. */
#define MAP_MEMORY_CONTEXT_ID	-1

/* A walk links at most one table a level. */
#define MAP_MEMORY_CACHE_OBJECTS	PT64_ROOT_MAX_LEVEL

static bool is_map_memory_context(const struct kvm_vcpu *vcpu)
{
	return vcpu->vcpu_id == MAP_MEMORY_CONTEXT_ID;
}

bool kvm_arch_map_memory_supported(struct kvm *kvm)
{
	if (!tdp_mmu_enabled)
		return false;
	if (!kvm)
		return true;

	return kvm->arch.pre_fault_allowed &&
	       !kvm_x86_call(pre_mmu_map_page)(kvm);
}

u64 kvm_arch_map_memory_end(void)
{
	return gfn_to_gpa(kvm_mmu_max_gfn() + 1);
}

bool kvm_arch_map_memory_vcpu_canonical(struct kvm_vcpu *vcpu)
{
	return !is_smm(vcpu) && !is_guest_mode(vcpu) &&
	       vcpu->arch.mmu->page_fault == kvm_tdp_page_fault;
}

/*
 * A root is shared by all users with the same role, and of all that a vCPU
 * has, only its MAXPHYADDR makes a difference for the role: five-level EPT is
 * used for guests with more than 48 bits.  Userspace gives all vCPUs of a VM
 * the same, and cannot change it after the first KVM_RUN.
 *
 * Returns 0 if that is not known yet.
 */
static int map_memory_guest_maxphyaddr(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;

	if (!atomic_read(&kvm->online_vcpus))
		return 0;

	vcpu = kvm_get_vcpu(kvm, 0);
	if (!vcpu || !READ_ONCE(vcpu->arch.cpuid_nent))
		return 0;

	return READ_ONCE(vcpu->arch.maxphyaddr);
}

static int map_memory_init_role(struct kvm_vcpu *context)
{
	int maxphyaddr = map_memory_guest_maxphyaddr(context->kvm);
	int level;

	context->arch.maxphyaddr = maxphyaddr ?: 48;
	kvm_init_mmu(context);
	if (maxphyaddr)
		return 0;

	level = context->arch.mmu->root_role.level;
	context->arch.maxphyaddr = 52;
	kvm_init_mmu(context);

	/* Tables below a root that no vCPU will use would be lost work. */
	return context->arch.mmu->root_role.level == level ? 0 : -EOPNOTSUPP;
}

struct kvm_vcpu *kvm_arch_map_memory_create_context(struct kvm *kvm)
{
	struct kvm_vcpu *context;
	int r = -ENOMEM;

	context = kzalloc(sizeof(*context), GFP_KERNEL_ACCOUNT);
	if (!context)
		return ERR_PTR(-ENOMEM);

	/* Memory faults of private memory are reported in vcpu->run. */
	if (kvm_arch_has_private_mem(kvm)) {
		context->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
		if (!context->run)
			goto free_context;
	}

	context->kvm = kvm;
	context->cpu = -1;
	context->vcpu_id = MAP_MEMORY_CONTEXT_ID;
	context->vcpu_idx = MAP_MEMORY_CONTEXT_ID;

	r = kvm_mmu_create(context);
	if (r)
		goto free_run;

	r = map_memory_init_role(context);
	if (r)
		goto destroy_mmu;

	return context;

destroy_mmu:
	kvm_mmu_destroy(context);
free_run:
	free_page((unsigned long)context->run);
free_context:
	kfree(context);
	return ERR_PTR(r);
}

void kvm_arch_map_memory_destroy_context(struct kvm_vcpu *context)
{
	kvm_mmu_destroy(context);
	free_page((unsigned long)context->run);
	kfree(context);
}

/*
 * The caches of a context are smaller than those of a vCPU, which hold 40
 * tables each: contexts come by the dozen.
 */
int map_memory_topup(struct kvm_vcpu *vcpu)
{
	int capacity = KVM_ARCH_NR_OBJS_PER_MEMORY_CACHE;
	int r;

	if (is_map_memory_context(vcpu))
		capacity = MAP_MEMORY_CACHE_OBJECTS;

	r = __kvm_mmu_topup_memory_cache(&vcpu->arch.mmu_shadow_page_cache,
					 capacity, PT64_ROOT_MAX_LEVEL);
	if (r)
		return r;

	return __kvm_mmu_topup_memory_cache(&vcpu->arch.mmu_page_header_cache,
					    capacity, PT64_ROOT_MAX_LEVEL);
}

/* Enough for another walk to link tables at all levels. */
bool map_memory_topped_up(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.mmu_shadow_page_cache.nobjs >= PT64_ROOT_MAX_LEVEL &&
	       vcpu->arch.mmu_page_header_cache.nobjs >= PT64_ROOT_MAX_LEVEL;
}

bool map_memory_root_valid(struct kvm_vcpu *vcpu)
{
	hpa_t root = vcpu->arch.mmu->root.hpa;

	return VALID_PAGE(root) && !root_to_sp(root)->role.invalid;
}

/*
 * No request reaches a context, so an obsolete root is noticed here, and the
 * reference to it is dropped here.  Without that every fault would be stale
 * for ever.  kvm_mmu_reload() is not for a context: it loads hardware state.
 */
int map_memory_load_root(struct kvm_vcpu *vcpu)
{
	int r;

	if (likely(map_memory_root_valid(vcpu)))
		return 0;

	if (!is_map_memory_context(vcpu)) {
		kvm_mmu_free_obsolete_roots(vcpu);
		return kvm_mmu_reload(vcpu);
	}

	kvm_mmu_free_roots(vcpu->kvm, vcpu->arch.mmu, KVM_MMU_ROOT_CURRENT);
	r = map_memory_topup(vcpu);
	if (r)
		return r;

	return kvm_tdp_mmu_alloc_root(vcpu);
}
