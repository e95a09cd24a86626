// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test_util.h"

#include "host_files.h"

bool file_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return done;
}

bool file_read_number(const char *path, uint64_t *value)
{
	FILE *file = fopen(path, "r");
	bool done;

	if (!file)
		return false;
	done = fscanf(file, "%" SCNu64, value) == 1;
	fclose(file);
	return done;
}

uint64_t vmstat_counter(const char *name)
{
	FILE *file = fopen("/proc/vmstat", "r");
	uint64_t value;
	char found[64];

	TEST_ASSERT(file, "Cannot open /proc/vmstat");
	while (fscanf(file, "%63s %" SCNu64, found, &value) == 2) {
		if (!strcmp(found, name)) {
			fclose(file);
			return value;
		}
	}
	TEST_FAIL("/proc/vmstat has no %s", name);
	return 0;
}
