// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_MAP_MEMORY_BACKGROUND: threads that take only CPU time nobody else wants.
 *
 * SCHED_IDLE is no more than a very small weight, so that a thread which holds a lock
 * that others wait for, mmap_lock, say, still gets to release it.
 */
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/sched/types.h>

#include <uapi/linux/sched.h>
#include <uapi/linux/sched/types.h>

#include "map_memory.h"

static int map_memory_set_policy(int policy, int nice)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = policy,
		.sched_nice = nice,
		.sched_flags = current->sched_reset_on_fork ?
			       SCHED_FLAG_RESET_ON_FORK : 0,
	};

	return sched_setattr_nocheck(current, &attr);
}

/*
 * For the current thread; one that is real-time, or in the background already, is
 * left alone.
 */
void kvm_map_memory_background(struct map_memory_policy *old)
{
	old->policy = READ_ONCE(current->policy);
	old->nice = task_nice(current);
	old->changed = (old->policy == SCHED_NORMAL || old->policy == SCHED_BATCH) &&
		       !map_memory_set_policy(SCHED_IDLE, old->nice);
}

/* Unless somebody else has set the policy since. */
void kvm_map_memory_restore_policy(const struct map_memory_policy *old)
{
	if (old->changed && READ_ONCE(current->policy) == SCHED_IDLE)
		map_memory_set_policy(old->policy, task_nice(current));
}
