// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>

#include "hugetlb_pool.h"

static FILE *pool_file(uint64_t kib, const char *name, const char *mode)
{
	char path[128];

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/%s", kib, name);
	return fopen(path, mode);
}

static bool pool_read(uint64_t kib, const char *name, uint64_t *value)
{
	FILE *file = pool_file(kib, name, "r");
	bool ok;

	if (!file)
		return false;
	ok = fscanf(file, "%" SCNu64, value) == 1;
	fclose(file);
	return ok;
}

static void pool_write(uint64_t kib, uint64_t nr)
{
	FILE *file = pool_file(kib, "nr_hugepages", "w");

	if (!file)
		return;
	fprintf(file, "%" PRIu64 "\n", nr);
	fclose(file);
}

bool hugetlb_pool_grow(uint64_t kib, uint64_t nr, uint64_t *old_nr)
{
	uint64_t available;

	if (!pool_read(kib, "nr_hugepages", old_nr))
		return false;
	pool_write(kib, *old_nr + nr);
	if (pool_read(kib, "free_hugepages", &available) && available >= nr)
		return true;
	pool_write(kib, *old_nr);
	return false;
}

void hugetlb_pool_restore(uint64_t kib, uint64_t old_nr)
{
	pool_write(kib, old_nr);
}
