// SPDX-License-Identifier: GPL-2.0
/* A kind of memory, for a test: it is nowhere else. */
#include <sys/mman.h>
#include "memory.h"
#include "units.h"

static void *map_shared(void *where, uint64_t bytes)
{
	return mmap(where, bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | (where ? MAP_FIXED : 0), -1,
		    0);
}

static int check_shared(const struct memory_kind *kind, uint64_t bytes,
			struct failure *failure)
{
	(void)kind;
	(void)bytes;
	(void)failure;
	return 0;
}

static const struct memory_kind shared MEMORY_KINDS = {
	"shared", "anonymous memory that children would share",
	4 * KIB, map_shared, check_shared
};
