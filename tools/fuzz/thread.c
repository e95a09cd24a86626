// SPDX-License-Identifier: GPL-2.0
/* The threads of a run: what each is at, and the end of all at a violation. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

struct options options = {
	.threads = 4,
	.seconds = 10,
};

struct thread threads[MAX_THREADS + 1];
unsigned int nr_threads;
bool stopping;
bool freezing;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

static void announce(struct thread *thread, const char *format, va_list arguments)
{
	vsnprintf(thread->what, sizeof(thread->what), format, arguments);
	thread->busy_since = now_ms();
}

void call_begin(struct thread *thread, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	announce(thread, format, arguments);
	va_end(arguments);
	if (options.trace)
		printf("# %u.%lu %s\n", thread->id, thread->step, thread->what);
}

void call_waits(struct thread *thread, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	announce(thread, format, arguments);
	va_end(arguments);
}

void call_end(struct thread *thread)
{
	thread->busy_since = 0;
}

static void print_file(const char *task, const char *name)
{
	char path[300], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/%s", task, name);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		printf("#   %s\n", line);
	}
	if (file)
		fclose(file);
}

/* Everybody's call and stack. */
static void report(void)
{
	uint64_t now = now_ms(), since;
	struct dirent *entry;
	unsigned int i;
	DIR *dir;

	for (i = 0; i <= nr_threads; i++) {
		since = threads[i].busy_since;
		printf("# thread %u, step %lu, %s %lu ms: %s\n", i, threads[i].step,
		       since ? "for" : "not for", since ? now - since : 0,
		       threads[i].what);
		if (threads[i].report)
			threads[i].report(&threads[i]);
	}
	dir = opendir("/proc/self/task");
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		printf("# task %s:\n", entry->d_name);
		print_file(entry->d_name, "comm");
		print_file(entry->d_name, "stack");
	}
	fflush(stdout);
}

void violation(struct thread *thread, const char *format, ...)
{
	va_list arguments;

	flockfile(stdout);
	printf("# VIOLATION, seed %lu, thread %u, step %lu: ", options.seed, thread->id,
	       thread->step);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n# after: %s\n", thread->what);
	report();
	fflush(stdout);
	_exit(1);
}

bool planted(const char *name)
{
	return options.plant && !strcmp(options.plant, name);
}
