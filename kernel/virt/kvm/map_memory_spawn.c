// SPDX-License-Identifier: GPL-2.0
/*
 * Which thread makes the first helper of a job.
 *
 * A new thread inherits from the one that makes it.  The owner of an io_uring
 * job is an io-wq thread, and the submitter may be the ring's SQPOLL thread:
 * io_uring chose what they run on, and a thread made there would carry their
 * marks.  So the request goes to an ordinary thread of the VMM, as task work:
 * to the one that submitted, if it is ordinary, else to any other.  That makes
 * one helper, which makes the next ones, so that no thread of the VMM stands
 * still for longer.
 *
 * The job does not wait for it: its owner maps in any case.
 */
#include <linux/file.h>
#include <linux/kvm_host.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "map_memory.h"

struct map_memory_make_work {
	struct callback_head work;
	struct file *vm_file;
	/* May have ended. */
	struct map_memory_job *job;
};

static bool map_memory_is_ordinary(const struct task_struct *task)
{
	return !(READ_ONCE(task->flags) & (PF_KTHREAD | PF_USER_WORKER |
					   PF_IO_WORKER | PF_EXITING));
}

/*
 * @preferred, or another thread of its process, that can make helpers; with a
 * reference.  NULL if they are all exiting.
 */
struct task_struct *kvm_map_memory_vmm_thread(struct task_struct *preferred)
{
	struct task_struct *thread;

	if (map_memory_is_ordinary(preferred))
		return get_task_struct(preferred);

	guard(rcu)();

	for_each_thread(preferred, thread) {
		if (map_memory_is_ordinary(thread))
			return get_task_struct(thread);
	}

	return NULL;
}

static void map_memory_make_work_fn(struct callback_head *work)
{
	struct map_memory_make_work *make =
		container_of(work, struct map_memory_make_work, work);
	struct map_memory_job *job = make->job;
	struct file *vm_file = make->vm_file;
	struct kvm *kvm = vm_file->private_data;

	kfree(make);

	/* It may have executed another program since. */
	if (current->mm == kvm->mm && !(current->flags & PF_EXITING))
		kvm_map_memory_helper_make(kvm_map_memory_pool_find(kvm), job);

	/*
	 * Perhaps the last reference to the VM, and to this module.  The final
	 * put runs from the task work that follows, not below this function.
	 */
	fput(vm_file);
}

/* Let @thread make a helper for @job if that has not ended; best effort. */
void kvm_map_memory_make_from(struct task_struct *thread, struct file *vm_file,
			      struct map_memory_job *job)
{
	struct map_memory_make_work *make;

	make = kmalloc_obj(*make, GFP_KERNEL_ACCOUNT);
	if (!make)
		return;

	init_task_work(&make->work, map_memory_make_work_fn);
	make->vm_file = get_file(vm_file);
	make->job = job;

	if (task_work_add(thread, &make->work, TWA_SIGNAL)) {
		fput(vm_file);
		kfree(make);
	}
}
