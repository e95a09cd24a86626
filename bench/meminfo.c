// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "meminfo.h"
#include "sysfile.h"
#include "units.h"

static void refresh(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return;
	/* If it fails what is read is less exact, as the header says. */
	ret = write(fd, "1", 1);
	(void)ret;
	close(fd);
}

static int64_t bytes_of(const char *key)
{
	char value[64];

	if (!sysfile_value("/proc/meminfo", key, value, sizeof(value)))
		return 0;
	return strtoll(value, NULL, 10) * KIB;
}

void meminfo_read(struct meminfo *meminfo)
{
	refresh();
	meminfo->secondary_page_tables = bytes_of("SecPageTables");
	meminfo->page_tables = bytes_of("PageTables");
}
