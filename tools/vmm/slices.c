// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include "slices.h"

struct slice_thread {
	pthread_t thread;
	struct slice slice;
	const struct kvm_memory_mapping *ranges;
	/* Its share, as if the ranges were one. */
	uint64_t first;
	uint64_t end;
	int (*do_slice)(struct slice *slice);
	int ret;
};

static void *slice_thread(void *argument)
{
	struct slice_thread *thread = argument;
	struct slice *slice = &thread->slice;
	uint64_t skip = thread->first, left = thread->end - thread->first;
	const struct kvm_memory_mapping *range;

	for (range = thread->ranges; left && !thread->ret; range++) {
		if (skip >= range->size) {
			skip -= range->size;
			continue;
		}
		slice->base = range->base_address + skip;
		slice->host = slice->preparation->host +
			      (slice->base - slice->preparation->base);
		slice->bytes = range->size - skip;
		if (slice->bytes > left)
			slice->bytes = left;
		thread->ret = thread->do_slice(slice);
		left -= slice->bytes;
		skip = 0;
	}
	return NULL;
}

static void cut(const struct preparation *preparation,
		const struct kvm_memory_mapping *ranges, uint64_t nr_pages,
		struct slice_thread *threads, unsigned int nr)
{
	uint64_t page_size = preparation->page_size;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		threads[i].slice.preparation = preparation;
		threads[i].slice.index = i;
		threads[i].ranges = ranges;
		threads[i].first = nr_pages * i / nr * page_size;
		threads[i].end = nr_pages * (i + 1) / nr * page_size;
	}
}

static uint64_t count_pages(const struct preparation *preparation,
			    const struct kvm_memory_mapping *ranges, size_t nr)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		bytes += ranges[i].size;
	return bytes / preparation->page_size;
}

static int run_threads(struct slice_thread *threads, unsigned int nr,
		       struct failure *failure)
{
	unsigned int i, started;
	int error = 0;

	/* The calling thread does the first share. */
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
	if (error)
		return fail_errno(failure, error, "pthread_create");
	for (i = 0; i < nr; i++)
		if (threads[i].ret) {
			*failure = threads[i].slice.failure;
			return threads[i].ret;
		}
	return 0;
}

int slices_run(struct preparation *preparation,
	       int (*do_slice)(struct slice *slice), struct failure *failure)
{
	unsigned int i, nr = preparation->workers;
	const struct kvm_memory_mapping *ranges;
	struct kvm_memory_mapping whole;
	struct slice_thread *threads;
	uint64_t nr_pages;
	size_t nr_ranges;
	int ret;

	ranges = preparation_ranges(preparation, &whole, &nr_ranges);
	nr_pages = count_pages(preparation, ranges, nr_ranges);
	if (nr > nr_pages)
		nr = nr_pages;
	if (!nr)
		return 0;
	threads = calloc(nr, sizeof(*threads));
	if (!threads)
		return fail_errno(failure, ENOMEM, "threads");
	cut(preparation, ranges, nr_pages, threads, nr);
	for (i = 0; i < nr; i++)
		threads[i].do_slice = do_slice;
	ret = run_threads(threads, nr, failure);
	preparation->workers_used = nr;
	free(threads);
	return ret;
}
