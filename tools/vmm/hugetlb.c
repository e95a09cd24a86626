// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "hugetlb.h"
#include "sysfile.h"
#include "units.h"

static uint64_t read_number(uint64_t page_size, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%llukB/%s",
		 (unsigned long long)(page_size / KIB), name);
	return sysfile_number(path, 0);
}

bool hugetlb_pool_read(struct hugetlb_pool *pool, uint64_t page_size)
{
	uint64_t reserved;

	memset(pool, 0, sizeof(*pool));
	snprintf(pool->setting, sizeof(pool->setting),
		 "/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		 (unsigned long long)(page_size / KIB));
	if (access(pool->setting, F_OK) < 0)
		return false;
	pool->pages = read_number(page_size, "nr_hugepages");
	pool->free = read_number(page_size, "free_hugepages");
	reserved = read_number(page_size, "resv_hugepages");
	pool->free -= reserved < pool->free ? reserved : pool->free;
	return true;
}
