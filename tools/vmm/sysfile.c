// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sysfile.h"

bool sysfile_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	bool found = false;

	text[0] = '\0';
	if (file) {
		found = fgets(text, size, file);
		text[strcspn(text, "\n")] = '\0';
		fclose(file);
	}
	return found;
}

bool sysfile_value(const char *path, const char *key, char *text, size_t size)
{
	size_t key_length = strlen(key);
	FILE *file = fopen(path, "re");
	bool found = false;
	char line[512];

	text[0] = '\0';
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		const char *value = line + key_length;

		if (strncmp(line, key, key_length) ||
		    !(*value == ':' || isspace(*value)))
			continue;
		value += strspn(value, " \t:");
		snprintf(text, size, "%.*s", (int)strcspn(value, "\n"), value);
		found = true;
	}
	fclose(file);
	return found;
}

unsigned long long sysfile_number(const char *path,
				  unsigned long long fallback)
{
	char text[64];

	if (!sysfile_line(path, text, sizeof(text)))
		return fallback;
	return strtoull(text, NULL, 0);
}

int sysfile_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}
