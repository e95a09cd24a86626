/* SPDX-License-Identifier: GPL-2.0 */
/* Small files of /proc and /sys. */
#ifndef SYSFILE_H
#define SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the first line without its end; text is "" if there is none. */
bool sysfile_line(const char *path, char *text, size_t size);
/* The text after "key" and a colon in a file of such lines; "" if none. */
bool sysfile_value(const char *path, const char *key, char *text, size_t size);
/* A number alone in its file; fallback if there is none. */
unsigned long long sysfile_number(const char *path,
				  unsigned long long fallback);
/* 0, or a negative errno. */
int sysfile_write(const char *path, const char *text);

#endif
