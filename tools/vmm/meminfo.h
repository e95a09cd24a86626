/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's figures of memory in use, in bytes. */
#ifndef MEMINFO_H
#define MEMINFO_H

#include <stdint.h>

struct meminfo {
	int64_t secondary_page_tables;
	int64_t page_tables;
};

/*
 * As root, after the counts that CPUs hold back are added up; else what is
 * read may be some hundred KiB old.
 */
void meminfo_read(struct meminfo *meminfo);

#endif
