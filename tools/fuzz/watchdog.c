// SPDX-License-Identifier: GPL-2.0
/* Ends the run when a call does not end, and tells what everybody is doing. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"
#include "machine.h"
#include "ring.h"

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

void watchdog_report(void)
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
		if (threads[i].ring)
			ring_report(threads[i].ring);
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

static void look_at(struct thread *thread)
{
	uint64_t since = thread->busy_since, busy, patience = thread->patience;

	if (!since)
		return;
	busy = now_ms() - since;
	if (patience && busy > patience)
		syscall(SYS_tgkill, getpid(), thread->tid, SIGUSR1);
	if (busy > options.deadline * 1000ULL)
		violation(thread, "the call has not ended after %lu ms", busy);
}

static void *watchdog_main(void *unused)
{
	unsigned int i;

	for (;;) {
		usleep(100 * 1000);
		for (i = 0; i <= nr_threads; i++)
			look_at(&threads[i]);
	}
	return unused;
}

void watchdog_start(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, watchdog_main, NULL);
}
