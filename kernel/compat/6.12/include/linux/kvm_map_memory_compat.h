/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY: what differs between kernel versions.  This file is for Linux
 * 6.12.
 */
#ifndef _LINUX_KVM_MAP_MEMORY_COMPAT_H
#define _LINUX_KVM_MAP_MEMORY_COMPAT_H

#include <linux/io_uring/cmd.h>
#include <linux/slab.h>
#include <linux/string.h>

/* Later kernels have them. */
#ifndef kmalloc_obj
#define kmalloc_obj(object, gfp)	kmalloc(sizeof(object), gfp)
#define kzalloc_obj(object, gfp)	kzalloc(sizeof(object), gfp)
#endif

/*
 * To be called before a command is punted with -EAGAIN.  Linux 6.12 copies the
 * SQE then, but goes on to read the one in the ring, which belongs to userspace
 * again.  With the copy in place it sees nothing to do.
 */
static inline void kvm_map_memory_uring_keep_sqe(struct io_uring_cmd *cmd,
						 unsigned int issue_flags)
{
	size_t size = sizeof(*cmd->sqe) << !!(issue_flags & IO_URING_F_SQE128);
	struct io_kiocb *req = cmd_to_io_kiocb(cmd);

	if (cmd->sqe != req->async_data)
		cmd->sqe = memcpy(req->async_data, cmd->sqe, size);
}

#endif /* _LINUX_KVM_MAP_MEMORY_COMPAT_H */
