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

static int map_memory_set_policy(int policy)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = policy,
		.sched_nice = task_nice(current),
		.sched_flags = current->sched_reset_on_fork ?
			       SCHED_FLAG_RESET_ON_FORK : 0,
	};

	return sched_setattr_nocheck(current, &attr);
}

/*
 * For the current thread; one that is real-time, or in the background already, is
 * left alone.  Returns the policy for kvm_map_memory_foreground().
 */
int kvm_map_memory_background(void)
{
	int policy = READ_ONCE(current->policy);

	if ((policy != SCHED_NORMAL && policy != SCHED_BATCH) ||
	    map_memory_set_policy(SCHED_IDLE))
		return SCHED_IDLE;

	return policy;
}

/* SCHED_IDLE: there is no way to go back.  Nor if somebody has set the policy since. */
void kvm_map_memory_foreground(int policy)
{
	if (policy != SCHED_IDLE && READ_ONCE(current->policy) == SCHED_IDLE)
		map_memory_set_policy(policy);
}
