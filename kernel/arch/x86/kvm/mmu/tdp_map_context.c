// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY on x86: on whose behalf the MMU maps.  That is a vCPU, or a
 * context that stands for none, and the root of either.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/slab.h>

#include <asm/pkru.h>

#include "mmu.h"
#include "mmu_internal.h"
#include "smm.h"
#include "spte.h"
#include "tdp_map.h"
#include "tdp_mmu.h"

/* vcpu_id of a context.  No vCPU that userspace makes can have it. */
#define TDP_MAP_CONTEXT_ID	-1

/* A walk links at most one table a level. */
#define TDP_MAP_CACHE_OBJECTS	PT64_ROOT_MAX_LEVEL

/*
 * Reports to userspace, as of a fault on private memory or of a signal, go to
 * vcpu->run.  A context has no userspace: all of them share one, which is written to
 * and never read.
 */
static struct kvm_run tdp_map_run;

static bool is_tdp_map_context(const struct kvm_vcpu *vcpu)
{
	return vcpu->vcpu_id == TDP_MAP_CONTEXT_ID;
}

bool kvm_arch_map_memory_supported(struct kvm *kvm)
{
	if (!tdp_mmu_enabled)
		return false;
	if (!kvm)
		return true;

	return kvm->arch.pre_fault_allowed && !kvm_tdp_map_vm_refuses(kvm);
}

u64 kvm_arch_map_memory_end(void)
{
	return gfn_to_gpa(kvm_mmu_max_gfn() + 1);
}

u64 kvm_arch_map_memory_rights(const struct task_struct *task)
{
	return task == current ? read_pkru() : READ_ONCE(task->thread.pkru);
}

/* thread.pkru is written anew whenever the thread leaves a CPU. */
void kvm_arch_map_memory_save_rights(void)
{
	current->thread.pkru = read_pkru();
}

u64 kvm_arch_map_memory_set_rights(u64 rights)
{
	u32 old = read_pkru();

	if (old != (u32)rights)
		write_pkru(rights);

	return old;
}

struct kvm_map_memory_context *kvm_arch_map_memory_vcpu_context(struct kvm_vcpu *vcpu)
{
	if (is_smm(vcpu) || is_guest_mode(vcpu) ||
	    vcpu->arch.mmu->page_fault != kvm_tdp_page_fault)
		return NULL;

	return container_of(vcpu, struct kvm_map_memory_context, vcpu);
}

/*
 * A root is shared by all users with the same role, and of all that a vCPU
 * has, only its MAXPHYADDR makes a difference for the role: five-level EPT is
 * used for guests with more than 48 bits.  Userspace gives all vCPUs of a VM
 * the same, and cannot change it after the first KVM_RUN.
 *
 * Returns 0 if that is not known yet.
 */
static int tdp_map_guest_maxphyaddr(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;

	if (!atomic_read(&kvm->online_vcpus))
		return 0;

	vcpu = kvm_get_vcpu(kvm, 0);
	if (!vcpu || !READ_ONCE(vcpu->arch.cpuid_nent))
		return 0;

	return READ_ONCE(vcpu->arch.maxphyaddr);
}

static int tdp_map_init_role(struct kvm_vcpu *vcpu)
{
	int maxphyaddr = tdp_map_guest_maxphyaddr(vcpu->kvm);
	int level;

	vcpu->arch.maxphyaddr = maxphyaddr ?: 48;
	kvm_init_mmu(vcpu);
	if (maxphyaddr)
		return 0;

	level = vcpu->arch.mmu->root_role.level;
	vcpu->arch.maxphyaddr = 52;
	kvm_init_mmu(vcpu);

	/* Tables below a root that no vCPU will use would be lost work. */
	return vcpu->arch.mmu->root_role.level == level ? 0 : -EOPNOTSUPP;
}

struct kvm_map_memory_context *kvm_arch_map_memory_create_context(struct kvm *kvm)
{
	struct kvm_map_memory_context *context;
	struct kvm_vcpu *vcpu;
	int r = -ENOMEM;

	context = kzalloc_obj(*context, GFP_KERNEL_ACCOUNT);
	if (!context)
		return ERR_PTR(-ENOMEM);
	vcpu = &context->vcpu;

	vcpu->kvm = kvm;
	vcpu->run = &tdp_map_run;
	vcpu->cpu = -1;
	vcpu->vcpu_id = TDP_MAP_CONTEXT_ID;
	vcpu->vcpu_idx = TDP_MAP_CONTEXT_ID;

	r = kvm_mmu_create(vcpu);
	if (r)
		goto free_context;

	r = tdp_map_init_role(vcpu);
	if (r)
		goto destroy_mmu;

	return context;

destroy_mmu:
	kvm_mmu_destroy(vcpu);
free_context:
	kfree(context);
	return ERR_PTR(r);
}

/* Whether vCPUs, made since, have no other role. */
bool kvm_arch_map_memory_context_fits(const struct kvm_map_memory_context *context)
{
	int maxphyaddr = tdp_map_guest_maxphyaddr(context->vcpu.kvm);

	return !maxphyaddr || maxphyaddr == context->vcpu.arch.maxphyaddr;
}

void kvm_arch_map_memory_destroy_context(struct kvm_map_memory_context *context)
{
	kvm_mmu_destroy(&context->vcpu);
	kfree(context);
}

/*
 * The caches of a context are smaller than those of a vCPU, which hold 40
 * tables each: contexts come by the dozen.
 */
int kvm_tdp_map_topup(struct kvm_vcpu *vcpu)
{
	int capacity = KVM_ARCH_NR_OBJS_PER_MEMORY_CACHE;
	int r;

	if (is_tdp_map_context(vcpu))
		capacity = TDP_MAP_CACHE_OBJECTS;

	r = __kvm_mmu_topup_memory_cache(&vcpu->arch.mmu_shadow_page_cache,
					 capacity, PT64_ROOT_MAX_LEVEL);
	if (r)
		return r;

	return __kvm_mmu_topup_memory_cache(&vcpu->arch.mmu_page_header_cache,
					    capacity, PT64_ROOT_MAX_LEVEL);
}

bool kvm_tdp_map_root_valid(struct kvm_vcpu *vcpu)
{
	hpa_t root = vcpu->arch.mmu->root.hpa;

	return VALID_PAGE(root) && !root_to_sp(root)->role.invalid;
}

/*
 * No request reaches a context, so an obsolete root is noticed here, and the
 * reference to it is dropped here.  Without that every fault would be stale
 * for ever.  kvm_mmu_reload() is not for a context: it loads hardware state.
 */
int kvm_tdp_map_load_root(struct kvm_vcpu *vcpu)
{
	int r;

	if (likely(kvm_tdp_map_root_valid(vcpu)))
		return 0;

	if (!is_tdp_map_context(vcpu)) {
		kvm_mmu_free_obsolete_roots(vcpu);
		return kvm_mmu_reload(vcpu);
	}

	kvm_mmu_free_roots(vcpu->kvm, vcpu->arch.mmu, KVM_MMU_ROOT_CURRENT);
	r = kvm_tdp_map_topup(vcpu);
	if (r)
		return r;

	return kvm_tdp_map_alloc_root(vcpu);
}
