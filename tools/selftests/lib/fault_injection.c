// SPDX-License-Identifier: GPL-2.0
#include "test_util.h"

#include "fault_injection.h"

/* Its memory is no part of what is tested: without it a leak goes unseen. */
#define KMEMLEAK_FUNCTION	"__alloc_object"

static const char * const kinds[] = { "failslab", "fail_page_alloc" };
static unsigned int times_asked;

static FILE *attr_open(const char *kind, const char *attr, const char *mode)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, attr);
	return fopen(path, mode);
}

static void attr_set(const char *kind, const char *attr, unsigned long value)
{
	FILE *file = attr_open(kind, attr, "w");

	TEST_ASSERT(file, "No attribute %s/%s", kind, attr);
	fprintf(file, "%lu\n", value);
	TEST_ASSERT(!fclose(file), "%s/%s does not take %lu", kind, attr, value);
}

static void attr_set_all(const char *attr, unsigned long value)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		attr_set(kinds[i], attr, value);
}

/* The start of @function, and what is behind it. */
static void find_function(const char *function, unsigned long *start,
			  unsigned long *end)
{
	unsigned long address;
	char line[512], name[256];
	FILE *file;

	*start = 0;
	*end = ~0UL;
	file = fopen("/proc/kallsyms", "r");
	TEST_ASSERT(file, "Cannot open /proc/kallsyms");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %*c %255s", &address, name) == 2 &&
		    !strcmp(name, function))
			*start = address;
	}
	TEST_ASSERT(*start, "The kernel has no function %s", function);

	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		address = strtoul(line, NULL, 16);
		if (address > *start && address < *end)
			*end = address;
	}
	fclose(file);
}

bool fault_injection_begin(const char *function, const char *but_not,
			   bool user_pages)
{
	unsigned long start = 0, end = ~0UL, reject_start, reject_end;
	FILE *file = attr_open("fail_page_alloc", "require-start", "r");

	if (!file)
		return false;
	fclose(file);

	fault_injection_end();
	if (function)
		find_function(function, &start, &end);
	find_function(but_not ?: KMEMLEAK_FUNCTION, &reject_start, &reject_end);
	attr_set_all("require-start", start);
	attr_set_all("require-end", end);
	attr_set_all("reject-start", reject_start);
	attr_set_all("reject-end", reject_end);
	attr_set_all("stacktrace-depth", 32);
	attr_set_all("ignore-gfp-wait", 0);
	/* A failure on request is no news for the kernel log. */
	attr_set_all("verbose", 0);
	attr_set("fail_page_alloc", "min-order", 0);
	attr_set("fail_page_alloc", "ignore-gfp-highmem", !user_pages);
	return true;
}

void fault_injection_end(void)
{
	attr_set_all("probability", 0);
	attr_set_all("times", 0);
	attr_set_all("task-filter", 0);
	attr_set_all("require-start", 0);
	attr_set_all("require-end", ~0UL);
	attr_set_all("reject-start", 0);
	attr_set_all("reject-end", 0);
}

static int task_open(pid_t tid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", tid, name);
	return open(path, flags);
}

static void task_set(pid_t tid, const char *name, unsigned int value)
{
	int fd = task_open(tid, name, O_WRONLY);
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	TEST_ASSERT(fd >= 0 && write(fd, text, strlen(text)) > 0,
		    "Cannot set %s of thread %d", name, tid);
	close(fd);
}

void fail_nth(pid_t tid, unsigned int nth)
{
	task_set(tid, "fail-nth", nth);
}

bool fail_nth_end(pid_t tid)
{
	int fd = task_open(tid, "fail-nth", O_RDONLY);
	char text[16] = "";

	TEST_ASSERT(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0,
		    "Cannot read fail-nth of thread %d", tid);
	close(fd);
	task_set(tid, "fail-nth", 0);
	return !atoi(text);
}

void fail_first(unsigned int times)
{
	times_asked = times;
	attr_set_all("times", times);
	attr_set_all("task-filter", 1);
	attr_set_all("probability", 100);
}

unsigned int fail_first_count(void)
{
	unsigned int i, left, count = 0;
	FILE *file;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		file = attr_open(kinds[i], "times", "r");
		TEST_ASSERT(file && fscanf(file, "%u", &left) == 1,
			    "Cannot read %s/times", kinds[i]);
		fclose(file);
		count += times_asked - left;
	}
	return count;
}

void make_thread_fail(pid_t tid, bool fail)
{
	task_set(tid, "make-it-fail", fail);
}
