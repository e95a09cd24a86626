// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: the ioctls of a vCPU and of a VM, and the end of a VM.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/uaccess.h>

#include "map_memory.h"

#define KVM_MAP_MEMORY_FEATURES						\
	(KVM_MAP_MEMORY_FEATURE_VCPU | KVM_MAP_MEMORY_FEATURE_BATCH |	\
	 KVM_MAP_MEMORY_FEATURE_URING | KVM_MAP_MEMORY_FEATURE_READ |	\
	 KVM_MAP_MEMORY_FEATURE_RESIDENT |				\
	 KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS |				\
	 KVM_MAP_MEMORY_FEATURE_OWN_THREADS |				\
	 KVM_MAP_MEMORY_FEATURE_PROGRESS |				\
	 KVM_MAP_MEMORY_FEATURE_BACKGROUND)

int kvm_map_memory_features(struct kvm *kvm)
{
	return kvm_arch_map_memory_supported(kvm) ? KVM_MAP_MEMORY_FEATURES : 0;
}

static int map_memory_vcpu(struct kvm_vcpu *vcpu, struct kvm_memory_mapping *mapping)
{
	struct kvm_map_memory_walk walk = {
		.mapping = mapping,
		.gpa = mapping->base_address,
		.end = mapping->base_address + mapping->size,
	};
	struct kvm_map_memory_context *context;
	int r;

	vcpu_load(vcpu);

	context = kvm_arch_map_memory_vcpu_context(vcpu);
	if (context && kvm_arch_map_memory_supported(vcpu->kvm))
		r = kvm_map_memory_do_walk(vcpu->kvm, context, &walk, NULL);
	else
		r = -EOPNOTSUPP;

	vcpu_put(vcpu);

	mapping->base_address = walk.gpa;
	mapping->size = walk.end - walk.gpa;
	return r;
}

/* KVM_MAP_MEMORY on a vCPU.  Called with vcpu->mutex held. */
int kvm_map_memory_vcpu_ioctl(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_memory_mapping mapping;
	int r;

	if (copy_from_user(&mapping, argp, sizeof(mapping)))
		return -EFAULT;

	r = kvm_map_memory_check_mapping(&mapping, kvm_arch_map_memory_end());
	if (r)
		return r;
	if (!mapping.size)
		return -EINVAL;

	/* Do nothing rather than something that cannot be reported. */
	if (copy_to_user(argp, &mapping, sizeof(mapping)))
		return -EFAULT;

	r = map_memory_vcpu(vcpu, &mapping);

	if (copy_to_user(argp, &mapping, sizeof(mapping)))
		return -EFAULT;

	return r;
}

/* KVM_MAP_MEMORY_BATCH by ioctl.  The caller runs in the VM's mm. */
int kvm_map_memory_vm_ioctl(struct kvm *kvm, void __user *argp)
{
	struct map_memory_caller caller = {
		.vmm_thread = current,
		.rights = kvm_arch_map_memory_rights(current),
		.interrupted = -EINTR,
	};

	return kvm_map_memory_batch(kvm, argp, &caller);
}

/* KVM_MAP_MEMORY_JOIN.  The caller runs in the VM's mm. */
int kvm_map_memory_join_ioctl(struct kvm *kvm, void __user *argp)
{
	return kvm_map_memory_join(kvm, argp);
}

/* KVM_MAP_MEMORY_END_HELPERS.  The caller runs in the VM's mm. */
int kvm_map_memory_end_helpers_ioctl(struct kvm *kvm)
{
	struct map_memory_pool *pool = kvm_map_memory_pool_find(kvm);

	if (pool) {
		kvm_map_memory_pool_set_spare(pool, NULL);
		kvm_map_memory_helpers_end_idle(pool, true);
	}

	return 0;
}

/*
 * The VMM closes a descriptor of the VM: it is done with it.  A running batch
 * holds the file, so that without this the VM would live on until the last
 * page is mapped.
 *
 * A child that has inherited the descriptor closes its own copy, not only after
 * fork(), but also after vfork(), with which it shares the VMM's mm until it
 * executes something else.
 */
int kvm_map_memory_flush(struct file *file, fl_owner_t id)
{
	struct kvm *kvm = file->private_data;
	struct map_memory_pool *pool;

	pool = kvm_map_memory_pool_find(kvm);
	if (pool)
		kvm_map_memory_pool_cancel_jobs(pool, id, -ECANCELED);

	return 0;
}

void kvm_map_memory_destroy_vm(struct kvm *kvm)
{
	kvm_map_memory_pool_destroy(kvm);
}

void kvm_map_memory_exit(void)
{
	kvm_map_memory_helpers_exit();
}
