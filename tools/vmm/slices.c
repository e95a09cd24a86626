// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include "slices.h"

struct slice_thread {
	pthread_t thread;
	struct slice slice;
	int (*do_slice)(struct slice *slice);
	int ret;
};

static void *slice_thread(void *argument)
{
	struct slice_thread *thread = argument;

	thread->ret = thread->do_slice(&thread->slice);
	return NULL;
}

static void cut(const struct preparation *preparation,
		struct slice_thread *threads, unsigned int nr)
{
	uint64_t nr_pages = preparation->bytes / preparation->page_size;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		uint64_t first = nr_pages * i / nr * preparation->page_size;
		uint64_t end = nr_pages * (i + 1) / nr * preparation->page_size;

		threads[i].slice.preparation = preparation;
		threads[i].slice.index = i;
		threads[i].slice.base = preparation->base + first;
		threads[i].slice.host = preparation->host + first;
		threads[i].slice.bytes = end - first;
	}
}

int slices_run(struct preparation *preparation,
	       int (*do_slice)(struct slice *slice), struct failure *failure)
{
	uint64_t nr_pages = preparation->bytes / preparation->page_size;
	unsigned int i, started, nr = preparation->workers;
	struct slice_thread *threads;
	int error = 0, ret = 0;

	if (nr > nr_pages)
		nr = nr_pages;
	threads = calloc(nr, sizeof(*threads));
	if (!threads)
		return fail_errno(failure, ENOMEM, "threads");
	cut(preparation, threads, nr);
	for (i = 0; i < nr; i++)
		threads[i].do_slice = do_slice;
	/* The calling thread does the first slice. */
	for (started = 1; started < nr; started++) {
		error = pthread_create(&threads[started].thread, NULL,
				       slice_thread, &threads[started]);
		if (error)
			break;
	}
	if (!error)
		slice_thread(&threads[0]);
	for (i = 1; i < started; i++)
		pthread_join(threads[i].thread, NULL);
	if (error) {
		ret = fail_errno(failure, error, "pthread_create");
	} else {
		for (i = 0; i < nr && !ret; i++) {
			ret = threads[i].ret;
			if (ret)
				*failure = threads[i].slice.failure;
		}
	}
	preparation->workers_used = nr;
	free(threads);
	return ret;
}
