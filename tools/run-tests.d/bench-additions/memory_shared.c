// SPDX-License-Identifier: GPL-2.0
/* A kind of memory, for a test: it is nowhere else. */
#include <sys/mman.h>
#include "memory.h"
#include "units.h"

static int check_shared(const struct memory_kind *kind, uint64_t bytes,
			struct failure *failure)
{
	(void)kind;
	(void)bytes;
	(void)failure;
	return 0;
}

static const struct memory_kind shared MEMORY_KINDS = {
	.name = "shared",
	.summary = "anonymous memory that children would share",
	.page_size = 4 * KIB,
	.map_flags = MAP_SHARED | MAP_ANONYMOUS,
	.check = check_shared,
};
