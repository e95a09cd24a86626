// SPDX-License-Identifier: GPL-2.0
/* The kinds of memory, each for one page of it. */
#include <sys/mman.h>
#include "check.h"
#include "hugetlb.h"
#include "memory.h"

static void check_kind(struct checks *checks, const struct memory_kind *kind)
{
	struct hugetlb_pool pool;
	struct failure failure;

	if (kind->check(kind, kind->page_size, &failure) < 0)
		check_add_failure(checks, CHECK_MEMORY, kind->name,
				  CHECK_MISSING, &failure);
	else if ((kind->map_flags & MAP_HUGETLB) &&
		 hugetlb_pool_read(&pool, kind->page_size))
		check_add(checks, CHECK_MEMORY, kind->name, CHECK_OK,
			  "%llu of %llu pages free",
			  (unsigned long long)pool.free,
			  (unsigned long long)pool.pages);
	else
		check_add(checks, CHECK_MEMORY, kind->name, CHECK_OK, "%s",
			  kind->summary);
}

void check_memory(struct checks *checks)
{
	const struct memory_kind *kind;

	for_each_memory_kind(kind)
		check_kind(checks, kind);
}
