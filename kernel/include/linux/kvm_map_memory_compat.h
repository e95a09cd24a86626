/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What KVM_MAP_MEMORY needs from the kernel under names that differ between
 * kernel versions.  This file is for Linux 6.12.
 */
#ifndef _LINUX_KVM_MAP_MEMORY_COMPAT_H
#define _LINUX_KVM_MAP_MEMORY_COMPAT_H

#include <linux/io_uring/cmd.h>
#include <linux/kvm_host.h>

/*
 * The page behind @gfn, waiting for it if necessary, with a reference that
 * kvm_map_memory_put_pfn() drops.  Any signal ends the wait.
 */
static inline kvm_pfn_t kvm_map_memory_get_pfn(const struct kvm_memory_slot *slot,
					       gfn_t gfn, bool write,
					       bool *map_writable, hva_t *hva)
{
	return __gfn_to_pfn_memslot(slot, gfn, false, true, NULL, write,
				    map_writable, hva);
}

static inline void kvm_map_memory_put_pfn(kvm_pfn_t pfn)
{
	kvm_release_pfn_clean(pfn);
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
