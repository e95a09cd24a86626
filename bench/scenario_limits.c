// SPDX-License-Identifier: GPL-2.0
/*
 * The bounds of every peer: the zeroing of untouched memory, and the writing of
 * as many entries into page tables that lie ready.
 */
#include <pthread.h>
#include <string.h>
#include "scenario.h"
#include "section.h"
#include "trial.h"
#include "units.h"
#include "vm.h"

struct limit_thread {
	pthread_t thread;
	uint8_t *host;
	uint64_t bytes;
};

/* As the kernel does it on CPUs with ERMS. */
static void *zero_pages(void *argument)
{
	const struct limit_thread *thread = argument;
	uint64_t offset;

	for (offset = 0; offset < thread->bytes; offset += PAGE_SIZE) {
		uint8_t *page = thread->host + offset;
		uint64_t count = PAGE_SIZE;

		asm volatile("rep stosb" : "+D" (page), "+c" (count) :
			     "a" (0) : "memory");
	}
	return NULL;
}

/* An entry of 8 bytes a page, made as KVM's are: only where there is none. */
static void *write_entries(void *argument)
{
	const struct limit_thread *thread = argument;
	uint64_t *entries = (uint64_t *)thread->host;
	uint64_t i, nr = thread->bytes / sizeof(*entries);

	for (i = 0; i < nr; i++) {
		uint64_t none = 0;

		__atomic_compare_exchange_n(&entries[i], &none,
					    i * PAGE_SIZE | 7, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	}
	return NULL;
}

static int time_threads(void *(*function)(void *argument),
			const struct memory *memory, unsigned int nr,
			double *seconds, struct failure *failure)
{
	struct limit_thread threads[VM_MAX_VCPUS];
	uint64_t pages = memory->bytes / PAGE_SIZE;
	unsigned int i, started;
	double start;
	int error = 0;

	start = section_begin();
	for (i = 0; i < nr; i++) {
		uint64_t first = pages * i / nr, end = pages * (i + 1) / nr;

		threads[i].host = memory->host + first * PAGE_SIZE;
		threads[i].bytes = (end - first) * PAGE_SIZE;
	}
	for (started = 1; started < nr && !error; started++)
		error = pthread_create(&threads[started].thread, NULL,
				       function, &threads[started]);
	if (error)
		started--;
	else
		function(&threads[0]);
	for (i = 1; i < started; i++)
		pthread_join(threads[i].thread, NULL);
	*seconds = section_end(start);
	return error ? fail_errno(failure, error, "pthread_create") : 0;
}

static void run(struct entry *entry, void *(*function)(void *argument),
		uint64_t bytes)
{
	struct failure failure = {};
	struct memory memory;
	double seconds = 0;
	int ret;

	ret = memory_map(&memory, memory_kind_find("4k"), bytes, &failure);
	if (!ret)
		ret = memory_populate(memory.host, memory.bytes, &failure);
	if (!ret)
		ret = time_threads(function, &memory, entry->workers, &seconds,
				   &failure);
	memory_unmap(&memory);
	if (ret < 0)
		scenario_failed(entry, &failure);
	else
		entry_add_sample(entry, seconds);
}

static void limits_round(const struct options *options, int kvm_fd,
			 struct entries *entries)
{
	struct entry key = {
		.scenario = "limits",
		.memory = "4k",
		.state = "resident",
		.layout = "contiguous",
		.bytes = options->size,
		.pages = options->size / PAGE_SIZE,
	};
	/* The tables for the whole size, in whole pages. */
	uint64_t table_bytes = (key.pages * sizeof(uint64_t) + PAGE_SIZE - 1) /
			       PAGE_SIZE * PAGE_SIZE;
	unsigned int i;

	(void)kvm_fd;
	for (i = 0; i < options->nr_workers; i++) {
		key.workers = options->workers[i];
		key.peer = "zeroing";
		run(entries_get(entries, &key), zero_pages, options->size);
		key.peer = "table-writes";
		run(entries_get(entries, &key), write_entries, table_bytes);
	}
}

static const struct metric * const metrics[] = {
	&metric_instructions_per_page,
	&metric_seconds_median,
	&metric_seconds_spread,
	&metric_gib_per_second,
	NULL,
};

static const struct metric * const details[] = {
	&metric_instructions,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "limits",
		.instructions = true,
		.quick = { "--memory 2G", "--size 32M" },
	},
	{
		.name = "limits",
		.quick = { "--memory 2G", "--workers 1,2 --size 64M" },
		.full = { "--memory 2G", "--workers 1,2 --size 256M" },
	},
	{},
};

static const struct scenario scenario_limits = {
	.name = "limits",
	.title = "Bounds",
	.summary = "zeroing as many pages, writing as many table entries",
	.rows = "peer,workers",
	.no_picture = true,
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = limits_round,
};

SCENARIO(scenario_limits);
