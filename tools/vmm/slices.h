/* SPDX-License-Identifier: GPL-2.0 */
/* A preparation cut into one slice a thread, for calls that use one thread. */
#ifndef SLICES_H
#define SLICES_H

#include "method.h"

struct slice {
	const struct preparation *preparation;
	unsigned int index;
	uint64_t base;
	uint8_t *host;
	uint64_t bytes;
	struct failure failure;
};

/*
 * Calls do_slice for all slices at the same time and waits for them.  Sets
 * workers_used.
 */
int slices_run(struct preparation *preparation,
	       int (*do_slice)(struct slice *slice), struct failure *failure);

#endif
