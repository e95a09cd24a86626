/* SPDX-License-Identifier: GPL-2.0 */
/* A preparation cut into slices, for calls that use one thread and take one range. */
#ifndef SLICES_H
#define SLICES_H

#include "method.h"

struct slice {
	const struct preparation *preparation;
	/* Of the thread, which has one of it at a time. */
	unsigned int index;
	uint64_t base;
	uint8_t *host;
	uint64_t bytes;
	struct failure failure;
};

/*
 * Has threads call do_slice for the slices of their shares of all pages, at the same
 * time, and waits for them: for one slice each if there is one range.  Sets
 * workers_used.
 */
int slices_run(struct preparation *preparation,
	       int (*do_slice)(struct slice *slice), struct failure *failure);

#endif
