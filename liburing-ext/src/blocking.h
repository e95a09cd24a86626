/* SPDX-License-Identifier: MIT */
/* Calls of the kernel that the library's own files share; no symbols of it. */
#ifndef LIBURING_KVM_BLOCKING_H
#define LIBURING_KVM_BLOCKING_H

#include "liburing_kvm.h"

/* Calls in a row that mapped nothing, before giving up. */
#define MAX_IDLE_CALLS 100

/* Returns -errno, and leaves errno alone. */
int liburing_kvm_ioctl(int fd, unsigned long request, unsigned long arg);

/*
 * kvm_map_memory_batch_run() of *part, a copy of *batch, to which the results go.
 */
int liburing_kvm_run_parts(int vm_fd, struct kvm_map_memory_batch *batch,
			   struct kvm_map_memory_batch *part);

/* CPUs that the calling thread may run on, KVM_MAP_MEMORY_MAX_WORKERS at most. */
unsigned int liburing_kvm_count_cpus(void);

__u64 liburing_kvm_mappings_bytes(const struct kvm_memory_mapping *mappings, size_t nr);

#endif /* LIBURING_KVM_BLOCKING_H */
