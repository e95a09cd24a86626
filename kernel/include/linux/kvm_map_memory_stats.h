/* SPDX-License-Identifier: GPL-2.0 */
/* KVM_MAP_MEMORY: the figures of a VM's jobs, for its operator. */
#ifndef _LINUX_KVM_MAP_MEMORY_STATS_H
#define _LINUX_KVM_MAP_MEMORY_STATS_H

#include <linux/types.h>

/* Kinds of errors: map_memory_stats.c has their list, and below are their names. */
#define KVM_MAP_MEMORY_NR_ERRORS	6

/* Bytes that are mapped, present and skipped, as the workers publish them. */
struct kvm_map_memory_done {
	atomic64_t mapped;
	atomic64_t present;
	atomic64_t skipped;
};

/* Each value has 64 bits, as binary statistics have. */
struct kvm_map_memory_stats {
	u64 jobs_running;
	u64 jobs_done;
	u64 helpers;
	/* Of jobs that are running, too. */
	struct kvm_map_memory_done done;
	u64 errors[KVM_MAP_MEMORY_NR_ERRORS];
};

#ifdef CONFIG_KVM_MAP_MEMORY_STATS
/* The descriptors of a VM's binary statistics: each has a comma behind it. */
#define KVM_MAP_MEMORY_STATS_DESC(member, stat, type, unit)			\
	{									\
		STATS_DESC_COMMON(KVM_STATS_TYPE_##type, KVM_STATS_UNIT_##unit,	\
				  KVM_STATS_BASE_POW10, 0, 1, 0),		\
		.offset = offsetof(struct kvm_vm_stat,				\
				   generic.map_memory.member),			\
		.name = "map_memory_" #stat,					\
	}

#define KVM_MAP_MEMORY_ERROR_DESC(index, name)					\
	KVM_MAP_MEMORY_STATS_DESC(errors[index], errors_##name, CUMULATIVE, NONE)

#define KVM_MAP_MEMORY_VM_STATS()						\
	KVM_MAP_MEMORY_STATS_DESC(jobs_running, jobs_running, INSTANT, NONE),	\
	KVM_MAP_MEMORY_STATS_DESC(jobs_done, jobs_done, CUMULATIVE, NONE),	\
	KVM_MAP_MEMORY_STATS_DESC(helpers, helpers, INSTANT, NONE),		\
	KVM_MAP_MEMORY_STATS_DESC(done.mapped, bytes_mapped, CUMULATIVE, BYTES),\
	KVM_MAP_MEMORY_STATS_DESC(done.present, bytes_present, CUMULATIVE, BYTES),\
	KVM_MAP_MEMORY_STATS_DESC(done.skipped, bytes_skipped, CUMULATIVE, BYTES),\
	KVM_MAP_MEMORY_ERROR_DESC(0, eintr),					\
	KVM_MAP_MEMORY_ERROR_DESC(1, ecanceled),				\
	KVM_MAP_MEMORY_ERROR_DESC(2, eagain),					\
	KVM_MAP_MEMORY_ERROR_DESC(3, enomem),					\
	KVM_MAP_MEMORY_ERROR_DESC(4, efault),					\
	KVM_MAP_MEMORY_ERROR_DESC(5, other),
#else
#define KVM_MAP_MEMORY_VM_STATS()
#endif

#endif /* _LINUX_KVM_MAP_MEMORY_STATS_H */
