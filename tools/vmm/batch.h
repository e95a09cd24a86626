/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the two methods that submit a batch. */
#ifndef BATCH_H
#define BATCH_H

#include <linux/kvm_map_memory.h>
#include "method.h"

struct batch {
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
};

void batch_init(struct batch *batch, const struct preparation *preparation);
/* Copies the results; ret is what the kernel returned. */
int batch_done(const struct batch *batch, int ret,
	       struct preparation *preparation, struct failure *failure);

#endif
