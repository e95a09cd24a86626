// SPDX-License-Identifier: GPL-2.0
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bar.h"
#include "clock.h"
#include "memory.h"
#include "progress.h"
#include "units.h"

/* Milliseconds between two looks. */
#define LINE_INTERVAL	200
#define LOG_INTERVAL	1000

static void read_amounts(const struct progress *progress, uint64_t *mapped,
			 uint64_t *resident)
{
	struct vm_pages pages;

	vm_count_pages(progress->vm, &pages);
	*mapped = vm_pages_bytes(&pages);
	*resident = memory_resident();
	/* Other memory that the process needs, or gave back, is not worth a word. */
	*resident -= *resident < progress->resident_before ?
		     *resident : progress->resident_before;
	if (*resident > progress->bytes)
		*resident = progress->bytes;
}

static void print_progress(const struct progress *progress)
{
	double seconds = clock_seconds() - progress->start;
	uint64_t mapped, resident;
	char bar[BAR_TEXT_SIZE] = "", text[256];

	read_amounts(progress, &mapped, &resident);
	/* A method may map what it does not allocate, or the other way round. */
	if (progress->mode == PROGRESS_LINE)
		bar_draw(bar, mapped > resident ? mapped : resident,
			 progress->bytes);
	snprintf(text, sizeof(text),
		 "%s, %s: %s%s%.1f s, %llu of %llu MiB mapped (%u %%), %llu MiB in memory",
		 progress->memory, progress->method, bar, *bar ? " " : "",
		 seconds, (unsigned long long)(mapped / MIB),
		 (unsigned long long)(progress->bytes / MIB),
		 bar_percent(mapped, progress->bytes),
		 (unsigned long long)(resident / MIB));
	if (progress->mode == PROGRESS_LINE)
		/* A line that wraps could not be written over. */
		fprintf(stderr, BAR_ERASE_LINE "%.*s",
			bar_columns(STDERR_FILENO) - 1, text);
	else
		fprintf(stderr, "%s\n", text);
	fflush(stderr);
}

static struct timespec time_of_next_look(const struct progress *progress)
{
	long interval = progress->mode == PROGRESS_LINE ? LINE_INTERVAL :
							  LOG_INTERVAL;
	struct timespec when;

	clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_nsec += interval * 1000000;
	when.tv_sec += when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

static void *progress_thread(void *argument)
{
	struct progress *progress = argument;

	pthread_mutex_lock(&progress->mutex);
	while (!progress->stopping) {
		struct timespec when = time_of_next_look(progress);

		/* Silent when the method takes no time. */
		if (pthread_cond_timedwait(&progress->stop, &progress->mutex,
					   &when) && !progress->stopping)
			print_progress(progress);
	}
	pthread_mutex_unlock(&progress->mutex);
	return NULL;
}

void progress_start(struct progress *progress, enum progress_mode mode,
		    const char *method, const char *memory,
		    const struct vm *vm, uint64_t bytes)
{
	pthread_condattr_t attributes;

	memset(progress, 0, sizeof(*progress));
	if (mode == PROGRESS_NONE)
		return;
	progress->mode = mode;
	progress->method = method;
	progress->memory = memory;
	progress->vm = vm;
	progress->bytes = bytes;
	progress->resident_before = memory_resident();
	progress->start = clock_seconds();
	/*
	 * An arena for the new thread would have to be mapped, and a thread that
	 * populates memory holds the lock for that until it is done.
	 */
	mallopt(M_ARENA_MAX, 1);
	pthread_mutex_init(&progress->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->stop, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Without the thread there is no line, and nothing else is lost. */
	progress->running = !pthread_create(&progress->thread, NULL,
					    progress_thread, progress);
}

void progress_stop(struct progress *progress)
{
	if (!progress->running)
		return;
	pthread_mutex_lock(&progress->mutex);
	progress->stopping = true;
	pthread_cond_signal(&progress->stop);
	pthread_mutex_unlock(&progress->mutex);
	pthread_join(progress->thread, NULL);
	if (progress->mode == PROGRESS_LINE) {
		fputs(BAR_ERASE_LINE, stderr);
		fflush(stderr);
	}
	pthread_cond_destroy(&progress->stop);
	pthread_mutex_destroy(&progress->mutex);
	progress->running = false;
}
