/* SPDX-License-Identifier: MIT */
/* Calls of the kernel that the library's own files share; no symbols of it. */
#ifndef LIBURING_KVM_BLOCKING_H
#define LIBURING_KVM_BLOCKING_H

#include "liburing_kvm.h"

/* Returns -errno, and leaves errno alone. */
int liburing_kvm_ioctl(int fd, unsigned long request, unsigned long arg);

/*
 * kvm_map_memory_batch_run() of *part, a copy of *batch, to which the results go.
 */
int liburing_kvm_run_parts(int vm_fd, struct kvm_map_memory_batch *batch,
			   struct kvm_map_memory_batch *part);

#endif /* LIBURING_KVM_BLOCKING_H */
