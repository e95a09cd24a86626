/* SPDX-License-Identifier: GPL-2.0 */
/* Submitting batches, for methods and other peers. */
#ifndef BATCH_H
#define BATCH_H

#include <linux/kvm_map_memory.h>
#include "method.h"

#define BATCH_RING_ENTRIES 4

/*
 * Prepares memory by run, which is like kvm_map_memory_batch_run(), called with as
 * many batches as the ranges need.
 */
int batch_prepare(struct preparation *preparation,
		  int (*run)(int vm_fd, struct kvm_map_memory_batch *batch),
		  struct failure *failure);
/*
 * Runs a batch by one command in a ring of its own, and waits for it.  Returns
 * the command's result, or a negative errno if there is none.
 */
int batch_run_uring(int vm_fd, struct kvm_map_memory_batch *batch);

#endif
