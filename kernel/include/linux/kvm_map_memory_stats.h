/* SPDX-License-Identifier: GPL-2.0 */
/* KVM_MAP_MEMORY: the figures of a VM's jobs, for its operator. */
#ifndef _LINUX_KVM_MAP_MEMORY_STATS_H
#define _LINUX_KVM_MAP_MEMORY_STATS_H

#include <linux/types.h>

/* Kinds of errors: map_memory_stats.c has their list. */
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

/* Descriptors of a VM's binary statistics, where struct kvm has these figures. */
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

#endif /* _LINUX_KVM_MAP_MEMORY_STATS_H */
