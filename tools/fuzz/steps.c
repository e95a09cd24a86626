// SPDX-License-Identifier: GPL-2.0
/* Which step comes how often. */
#include "call.h"
#include "place.h"
#include "process.h"
#include "region.h"
#include "ring.h"
#include "steps.h"

static const struct {
	void (*make)(struct thread *thread);
	unsigned int weight;
} steps[] = {
	/* what is under test */
	{ step_vcpu_map, 110 },
	{ step_batch, 130 },
	{ step_uring, 170 },
	{ step_cancel, 60 },
	{ step_ring_reopen, 16 },
	{ step_child_calls, 8 },
	/* what KVM does beside it */
	{ step_pre_fault, 20 },
	{ step_vcpu_run, 60 },
	{ step_vm_create, 30 },
	{ step_vm_close, 6 },
	{ step_vm_close_copy, 12 },
	{ step_vcpu_create, 25 },
	{ step_slot_create, 45 },
	{ step_slot_delete, 12 },
	{ step_slot_move, 20 },
	{ step_slot_flags, 20 },
	{ step_dirty_get, 15 },
	{ step_dirty_clear, 15 },
	{ step_dirty_ring, 15 },
	{ step_attributes, 20 },
	{ step_gmem_punch, 10 },
	/* what the host does to memory */
	{ step_mmap, 35 },
	{ step_munmap, 20 },
	{ step_mprotect, 25 },
	{ step_mremap, 15 },
	{ step_madvise, 35 },
	{ step_populate, 15 },
	{ step_collapse, 12 },
	{ step_merge, 15 },
	{ step_poison, 5 },
	{ step_punch, 15 },
	{ step_truncate, 10 },
	{ step_host_write, 30 },
	{ step_uffd, 15 },
	/* what happens to threads */
	{ step_fork, 8 },
	{ step_signal, 20 },
	{ step_stop, 15 },
	{ step_affinity, 8 },
};

void make_step(struct thread *thread)
{
	unsigned int sum = 0, i;
	uint64_t pick;

	thread->rng = rng_for(options.seed, thread->id, thread->step);
	for (i = 0; i < ARRAY_SIZE(steps); i++)
		sum += steps[i].weight;
	pick = rng_below(&thread->rng, sum);
	for (i = 0; pick >= steps[i].weight; i++)
		pick -= steps[i].weight;

	if (planted("kind") && steps[i].make == step_mremap)
		return;
	steps[i].make(thread);
}
