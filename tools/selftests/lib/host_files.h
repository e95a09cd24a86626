/* SPDX-License-Identifier: GPL-2.0 */
/* Files by which the host's memory management is watched and set. */
#ifndef SELFTESTS_HOST_FILES_H
#define SELFTESTS_HOST_FILES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * False, with errno, where there is no such file, or where it does not take the
 * value.  Allocates nothing, for threads that must not wait for mmap_lock.
 */
bool file_write(const char *path, const char *value);
bool file_read_number(const char *path, uint64_t *value);

/* A counter of /proc/vmstat, which has to be there. */
uint64_t vmstat_counter(const char *name);

#endif /* SELFTESTS_HOST_FILES_H */
