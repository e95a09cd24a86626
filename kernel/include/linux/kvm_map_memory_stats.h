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

struct kvm_map_memory_stats {
	u64 jobs_running;
	u64 jobs_done;
	u64 helpers;
	/* Of jobs that are running, too. */
	struct kvm_map_memory_done done;
	u64 errors[KVM_MAP_MEMORY_NR_ERRORS];
};

#endif /* _LINUX_KVM_MAP_MEMORY_STATS_H */
