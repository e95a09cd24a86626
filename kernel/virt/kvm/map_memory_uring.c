// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: the io_uring command of a VM.
 */
#include <linux/io_uring/cmd.h>
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/kvm_map_memory_compat.h>
#include <linux/sched/task.h>

#include "map_memory.h"

/* Whether a field of the SQE is set that the command gives no meaning to. */
static bool map_memory_uring_unused(const struct io_uring_sqe *sqe)
{
	return sqe->addr || sqe->len || sqe->ioprio || sqe->uring_cmd_flags ||
	       sqe->buf_index || sqe->splice_fd_in;
}

/* @args is what the command asks for. */
static int map_memory_uring_check(struct io_uring_cmd *cmd,
				  struct kvm_map_memory_cmd *args)
{
	struct kvm *kvm = cmd->file->private_data;

	if (kvm->mm != current->mm || kvm->vm_dead)
		return -EIO;

	if (cmd->cmd_op != KVM_MAP_MEMORY_BATCH)
		return -EOPNOTSUPP;

	/* The SQE may still be in the ring, where userspace can write to it. */
	memcpy(args, cmd->sqe->cmd, sizeof(*args));
	if (args->reserved || map_memory_uring_unused(cmd->sqe))
		return -EINVAL;

	return 0;
}

/*
 * In the thread that submits.  It does all that needs no wait; for the rest, an
 * io-wq thread is to come.
 */
static int map_memory_uring_submit(struct io_uring_cmd *cmd,
				   const struct kvm_map_memory_cmd *args,
				   unsigned int issue_flags)
{
	int r = kvm_map_memory_now(cmd->file->private_data,
				   u64_to_user_ptr(args->batch));

	if (r != -EAGAIN)
		return r;

	/* This thread's rights at this moment count. */
	kvm_arch_map_memory_save_rights();
	kvm_map_memory_uring_keep_sqe(cmd, issue_flags);
	return -EAGAIN;
}

/*
 * KVM_MAP_MEMORY_BATCH by io_uring.
 *
 * But for a few resident pages, all of it runs in an io-wq thread: a thread of the
 * submitter's process, which may sleep, can touch user memory, and is what io_uring
 * interrupts for IORING_OP_ASYNC_CANCEL, for the end of the ring and for that of
 * the submitter.  The request, and with it the VM's file, lives until this returns.
 */
int kvm_map_memory_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct map_memory_caller caller = {
		.vm_file = cmd->file,
		.interrupted = -ECANCELED,
	};
	struct kvm_map_memory_cmd args;
	struct task_struct *task;
	int r;

	r = map_memory_uring_check(cmd, &args);
	if (r)
		return r;

	if (issue_flags & IO_URING_F_NONBLOCK)
		return map_memory_uring_submit(cmd, &args, issue_flags);

	task = io_uring_cmd_get_task(cmd);
	caller.rights = kvm_arch_map_memory_rights(task);
	caller.vmm_thread = kvm_map_memory_vmm_thread(task);
	if (!caller.vmm_thread)
		return -ECANCELED;

	r = kvm_map_memory_batch(cmd->file->private_data, u64_to_user_ptr(args.batch),
				 &caller);

	put_task_struct(caller.vmm_thread);
	return r;
}
