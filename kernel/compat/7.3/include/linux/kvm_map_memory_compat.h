/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY: what differs between kernel versions.  This file is for Linux
 * 7.3.
 */
#ifndef _LINUX_KVM_MAP_MEMORY_COMPAT_H
#define _LINUX_KVM_MAP_MEMORY_COMPAT_H

#include <linux/io_uring/cmd.h>

/* To be called before a command is punted with -EAGAIN: io_uring copies the SQE. */
static inline void kvm_map_memory_uring_keep_sqe(struct io_uring_cmd *cmd,
						 unsigned int issue_flags)
{
}

#endif /* _LINUX_KVM_MAP_MEMORY_COMPAT_H */
