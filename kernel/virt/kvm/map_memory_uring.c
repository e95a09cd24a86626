// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: the io_uring command of a VM.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/kvm_map_memory_compat.h>
#include <linux/sched/task.h>

#include "map_memory.h"

/*
 * KVM_MAP_MEMORY_BATCH by io_uring.
 *
 * All of it runs in an io-wq thread: a thread of the submitter's process,
 * which may sleep, can touch user memory, and is what io_uring interrupts for
 * IORING_OP_ASYNC_CANCEL, for the end of the ring and for that of the
 * submitter.  The request, and with it the VM's file, lives until this
 * returns.
 */
int kvm_map_memory_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct kvm *kvm = cmd->file->private_data;
	struct map_memory_caller caller = {
		.vm_file = cmd->file,
		.interrupted = -ECANCELED,
	};
	struct kvm_map_memory_cmd args;
	struct task_struct *task;
	int r;

	if (issue_flags & IO_URING_F_NONBLOCK) {
		/* The thread that submits: its rights at this moment count. */
		kvm_arch_map_memory_save_rights();
		kvm_map_memory_uring_keep_sqe(cmd, issue_flags);
		return -EAGAIN;
	}

	if (kvm->mm != current->mm || kvm->vm_dead)
		return -EIO;

	if (cmd->cmd_op != KVM_MAP_MEMORY_BATCH)
		return -EOPNOTSUPP;

	/*
	 * A copy of the SQE, but for one that was linked to a request which ran
	 * in the same io-wq thread: that is still in the ring.  Read it once.
	 */
	memcpy(&args, kvm_map_memory_uring_args(cmd), sizeof(args));
	if (args.reserved || kvm_map_memory_uring_unused(cmd))
		return -EINVAL;

	task = kvm_map_memory_uring_task(cmd);
	caller.rights = kvm_arch_map_memory_rights(task);
	caller.vmm_thread = kvm_map_memory_vmm_thread(task);
	if (!caller.vmm_thread)
		return -ECANCELED;

	r = kvm_map_memory_batch(kvm, u64_to_user_ptr(args.batch), &caller);

	put_task_struct(caller.vmm_thread);
	return r;
}
