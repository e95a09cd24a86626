// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include "meminfo.h"
#include "sysfile.h"
#include "units.h"

static int64_t bytes_of(const char *key)
{
	char value[64];

	if (!sysfile_value("/proc/meminfo", key, value, sizeof(value)))
		return 0;
	return strtoll(value, NULL, 10) * KIB;
}

void meminfo_read(struct meminfo *meminfo)
{
	/* If it fails what is read is less exact, as the header says. */
	sysfile_write("/proc/sys/vm/stat_refresh", "1");
	meminfo->secondary_page_tables = bytes_of("SecPageTables");
	meminfo->page_tables = bytes_of("PageTables");
}
