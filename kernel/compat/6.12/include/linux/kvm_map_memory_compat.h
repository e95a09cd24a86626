/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY: what differs between kernel versions.  This file is for Linux
 * 6.12.
 */
#ifndef _LINUX_KVM_MAP_MEMORY_COMPAT_H
#define _LINUX_KVM_MAP_MEMORY_COMPAT_H

#include <linux/io_uring/cmd.h>
#include <linux/sched/vhost_task.h>

/* vhost_task_create() of some versions returns NULL for an error. */
static inline struct vhost_task *
kvm_map_memory_create_thread(bool (*fn)(void *data), void (*handle_sigkill)(void *data),
			     void *data, const char *name)
{
	return vhost_task_create(fn, handle_sigkill, data, name);
}

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

static inline const void *kvm_map_memory_uring_args(struct io_uring_cmd *cmd)
{
	return io_uring_sqe_cmd(cmd->sqe);
}

/* Whether a field of the SQE is set that the command gives no meaning to. */
static inline bool kvm_map_memory_uring_unused(struct io_uring_cmd *cmd)
{
	const struct io_uring_sqe *sqe = cmd->sqe;

	return sqe->addr || sqe->len || sqe->ioprio || sqe->uring_cmd_flags ||
	       sqe->buf_index || sqe->splice_fd_in;
}

/* The thread on whose behalf @cmd runs; valid for as long as @cmd is. */
static inline struct task_struct *kvm_map_memory_uring_task(struct io_uring_cmd *cmd)
{
	return io_uring_cmd_get_task(cmd);
}

#endif /* _LINUX_KVM_MAP_MEMORY_COMPAT_H */
