/* SPDX-License-Identifier: GPL-2.0 */
/* A line on stderr that shows the progress of a running method. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include "vm.h"

enum progress_mode {
	PROGRESS_NONE,
	/* One line with a bar, written over, for a terminal. */
	PROGRESS_LINE,
	/* A new line each time, for a file. */
	PROGRESS_LOG,
};

struct progress {
	enum progress_mode mode;
	const char *method;
	const char *memory;
	const struct vm *vm;
	uint64_t bytes;
	uint64_t resident_before;
	double start;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t stop;
	bool stopping;
	bool running;
};

/* The thread only looks at statistics: it shares nothing with the method. */
void progress_start(struct progress *progress, enum progress_mode mode,
		    const char *method, const char *memory,
		    const struct vm *vm, uint64_t bytes);
void progress_stop(struct progress *progress);

#endif
