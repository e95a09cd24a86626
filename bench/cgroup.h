/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that the kernel charges to this process. */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdint.h>
#include "failure.h"

/* Bytes. */
struct cgroup_memory {
	int64_t kernel;
	int64_t kernel_stack;
	int64_t slab;
};

/* Moves this process to a cgroup of its own; a second call does nothing. */
int cgroup_enter(struct failure *failure);
int cgroup_read(struct cgroup_memory *memory, struct failure *failure);

#endif
