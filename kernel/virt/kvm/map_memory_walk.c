// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY: from the start of a walk to its end, or to what stops it.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kvm_host.h>
#include <linux/kvm_map_memory.h>
#include <linux/sched/signal.h>

#include "map_memory.h"

/*
 * How long to try again where the page tables or the memory keep changing,
 * before giving up: mapping ahead of time has no right to progress.
 */
#define MAP_MEMORY_RETRY_TIME	(10 * HZ)
#define MAP_MEMORY_RETRY_USECS	50
/* In that time a thread that has little of a CPU, or none, has hardly tried. */
#define MAP_MEMORY_RETRY_TIMES	10000

/*
 * Map the memory of @walk, up to the first page that cannot be mapped.  @share is
 * NULL for a call on a vCPU, which nothing but a signal interrupts.
 *
 * Returns 0 or why the page at @walk->gpa could not be mapped.
 */
int kvm_map_memory_do_walk(struct kvm *kvm, struct kvm_map_memory_context *context,
			   struct kvm_map_memory_walk *walk,
			   struct map_memory_share *share)
{
	const struct map_memory_job *job = share ? share->job : NULL;
	unsigned long give_up = 0;
	unsigned int times = 0;
	u64 taken = 0;
	int r;

	while (walk->gpa < walk->end || kvm_map_memory_walk_next(walk)) {
		if (job && READ_ONCE(job->cancelled))
			return READ_ONCE(job->cancelled);
		if (signal_pending(current))
			return -EINTR;
		if (READ_ONCE(kvm->vm_dead))
			return -EIO;
		cond_resched();
		if (share)
			kvm_map_memory_publish_due(share);

		r = kvm_arch_map_memory(context, walk);
		if (r < 0)
			return r;
		if (r) {
			give_up = 0;
			continue;
		}

		/*
		 * Somebody changes this memory: perhaps other workers, which
		 * replace shared pages.  The first retry is for free, then
		 * wait: spinning would only contend with them.  As long as they
		 * get on, so will this one.
		 */
		if (!give_up || (job && taken != kvm_map_memory_job_taken(job))) {
			give_up = jiffies + MAP_MEMORY_RETRY_TIME;
			times = 0;
			taken = job ? kvm_map_memory_job_taken(job) : 0;
			continue;
		}
		if (++times > MAP_MEMORY_RETRY_TIMES && time_after(jiffies, give_up))
			return -EAGAIN;
		usleep_range(MAP_MEMORY_RETRY_USECS, 2 * MAP_MEMORY_RETRY_USECS);
	}

	return 0;
}
