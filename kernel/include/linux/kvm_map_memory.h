/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY: the calls between kvm_main.c, the generic job engine
 * (virt/kvm/map_memory*.c) and the architecture.
 */
#ifndef _LINUX_KVM_MAP_MEMORY_H
#define _LINUX_KVM_MAP_MEMORY_H

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/types.h>

#include <uapi/linux/kvm_map_memory.h>

struct io_uring_cmd;
struct kvm;
struct kvm_map_memory_context;
struct kvm_vcpu;
struct task_struct;

/* Bytes, inside the ranges asked for. */
struct kvm_map_memory_count {
	u64 mapped;
	u64 present;
	u64 skipped;
};

/*
 * A thread's place in a vector of mappings.  @mapping is done up to @gpa; the
 * mappings themselves do not change.
 */
struct kvm_map_memory_walk {
	const struct kvm_memory_mapping *mapping;
	gpa_t gpa;
	gpa_t end;
	/* The architecture's; 0 at the start of a chunk and of each mapping. */
	gpa_t arch_end;
	/* How many mappings that follow @mapping belong to the walk. */
	unsigned int nr_following;
	/* The architecture clears it where it maps pages singly, or faults them in. */
	bool all_there;
	/* The caller holds locks that task work may take. */
	bool no_task_work;
	/* The architecture's, for as long as the walk is that of one thread. */
	unsigned int arch_slice;
	/*
	 * The architecture's: it knows of which kind the memory at these host addresses
	 * is, while there is no invalidation (sequence count) and no memslot update
	 * (generation).
	 */
	struct {
		unsigned long start;
		unsigned long end;
		unsigned long seq;
		u64 generation;
	} arch_known;
	/* Over all mappings. */
	struct kvm_map_memory_count count;
};

/* Where a walk is, to return there. */
struct kvm_map_memory_place {
	const struct kvm_memory_mapping *mapping;
	gpa_t gpa;
	gpa_t end;
	gpa_t arch_end;
	unsigned int nr_following;
};

static inline struct kvm_map_memory_place
kvm_map_memory_walk_place(const struct kvm_map_memory_walk *walk)
{
	return (struct kvm_map_memory_place) {
		.mapping = walk->mapping,
		.gpa = walk->gpa,
		.end = walk->end,
		.arch_end = walk->arch_end,
		.nr_following = walk->nr_following,
	};
}

static inline void kvm_map_memory_walk_return(struct kvm_map_memory_walk *walk,
					      const struct kvm_map_memory_place *place)
{
	walk->mapping = place->mapping;
	walk->gpa = place->gpa;
	walk->end = place->end;
	walk->arch_end = place->arch_end;
	walk->nr_following = place->nr_following;
}

/*
 * Go to the next mapping once the present one is done, and past those of no size.
 * False: there is none.
 */
static inline bool kvm_map_memory_walk_next(struct kvm_map_memory_walk *walk)
{
	if (walk->gpa < walk->end)
		return false;

	while (walk->nr_following) {
		walk->mapping++;
		walk->nr_following--;
		walk->gpa = walk->mapping->base_address;
		walk->end = walk->gpa + walk->mapping->size;
		walk->arch_end = 0;
		if (walk->gpa < walk->end)
			return true;
	}

	return false;
}

/* Dispatch: called by kvm_main.c. */
#ifdef CONFIG_KVM_GENERIC_MAP_MEMORY
int kvm_map_memory_features(struct kvm *kvm);
int kvm_map_memory_vcpu_ioctl(struct kvm_vcpu *vcpu, void __user *argp);
int kvm_map_memory_vm_ioctl(struct kvm *kvm, void __user *argp);
int kvm_map_memory_join_ioctl(struct kvm *kvm, void __user *argp);
int kvm_map_memory_end_helpers_ioctl(struct kvm *kvm);
int kvm_map_memory_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);
int kvm_map_memory_flush(struct file *file, fl_owner_t id);
void kvm_map_memory_create_vm_debugfs(struct kvm *kvm);
void kvm_map_memory_destroy_vm(struct kvm *kvm);
void kvm_map_memory_exit(void);
#else
static inline int kvm_map_memory_features(struct kvm *kvm)
{
	return 0;
}

static inline int kvm_map_memory_vcpu_ioctl(struct kvm_vcpu *vcpu, void __user *argp)
{
	return -ENOTTY;
}

static inline int kvm_map_memory_vm_ioctl(struct kvm *kvm, void __user *argp)
{
	return -ENOTTY;
}

static inline int kvm_map_memory_join_ioctl(struct kvm *kvm, void __user *argp)
{
	return -ENOTTY;
}

static inline int kvm_map_memory_end_helpers_ioctl(struct kvm *kvm)
{
	return -ENOTTY;
}

static inline void kvm_map_memory_create_vm_debugfs(struct kvm *kvm)
{
}

static inline void kvm_map_memory_destroy_vm(struct kvm *kvm)
{
}

static inline void kvm_map_memory_exit(void)
{
}

#define kvm_map_memory_uring_cmd NULL
#define kvm_map_memory_flush NULL
#endif

/*
 * Whether guest memory may be mapped from outside the fault path: on this
 * machine at all if @kvm is NULL, else in this VM and in its present state.
 */
bool kvm_arch_map_memory_supported(struct kvm *kvm);

/*
 * What a thread may access in its address space, beyond what the page tables say:
 * x86 has protection keys.  The value is opaque.  That of another thread is what it
 * was when that thread last left a CPU, or called save_rights().
 */
u64 kvm_arch_map_memory_rights(const struct task_struct *task);
void kvm_arch_map_memory_save_rights(void);
/* For the current thread.  Returns what was set. */
u64 kvm_arch_map_memory_set_rights(u64 rights);

/* The first guest-physical address that no memslot can reach. */
u64 kvm_arch_map_memory_end(void);

/*
 * The means by which the architecture maps, opaque to others: a vCPU's MMU, or
 * one that belongs to no vCPU.  The latter is in no list of the VM, so that no
 * request, kick or vendor call reaches it.  It belongs to one thread at a time and
 * holds a reference to page tables of the VM: every context must be gone before
 * the VM's MMU is torn down.  Returns an ERR_PTR() on failure.
 */
struct kvm_map_memory_context *kvm_arch_map_memory_create_context(struct kvm *kvm);
void kvm_arch_map_memory_destroy_context(struct kvm_map_memory_context *context);
/* False if vCPUs that were made since have page tables of another kind. */
bool kvm_arch_map_memory_context_fits(const struct kvm_map_memory_context *context);

/*
 * The context that a loaded @vcpu is by itself, until it is put; not destroyed.
 * NULL if @vcpu does not translate the canonical guest-physical space.
 */
struct kvm_map_memory_context *kvm_arch_map_memory_vcpu_context(struct kvm_vcpu *vcpu);

/*
 * Map some memory from @walk->gpa up, at least a page, at most to @walk->end;
 * then perhaps go on with mappings that follow.
 *
 * The caller runs in the VM's mm and holds neither kvm->srcu nor mmu_lock: a
 * memslot update that is waiting for SRCU readers must be able to go on between
 * two calls.
 *
 * Returns 1 after @walk has advanced, 0 if the page tables or the memory
 * changed underneath and the call is worth repeating, or -errno for the page
 * at @walk->gpa.
 */
int kvm_arch_map_memory(struct kvm_map_memory_context *context,
			struct kvm_map_memory_walk *walk);

#endif /* _LINUX_KVM_MAP_MEMORY_H */
