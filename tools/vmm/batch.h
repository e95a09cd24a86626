/* SPDX-License-Identifier: GPL-2.0 */
/* Submitting a batch, for methods and other peers. */
#ifndef BATCH_H
#define BATCH_H

#include <linux/kvm_map_memory.h>
#include "method.h"

#define BATCH_RING_ENTRIES 4

struct batch {
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
};

void batch_init(struct batch *batch, const struct preparation *preparation);
/* Copies the results; ret is what the kernel returned. */
int batch_done(const struct batch *batch, int ret,
	       struct preparation *preparation, struct failure *failure);
/*
 * Runs a batch by one command in a ring of its own, and waits for it.  Returns
 * the command's result, or a negative errno if there is none.
 */
int batch_run_uring(int vm_fd, struct kvm_map_memory_batch *batch);

#endif
