// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "vector.h"

int vector_create(struct vector *vector, struct guest *guest, unsigned int nr,
		  uint64_t bytes, uint64_t stride, struct failure *failure)
{
	unsigned int i;

	memset(vector, 0, sizeof(*vector));
	vector->ranges = calloc(nr, sizeof(*vector->ranges));
	if (!vector->ranges)
		return fail_errno(failure, ENOMEM, "ranges");
	vector->guest = guest;
	vector->nr = nr;
	vector->workers = 1;
	for (i = 0; i < nr; i++)
		kvm_memory_mapping_init(&vector->ranges[i],
					GUEST_MEMORY_BASE + i * stride, bytes,
					0);
	return 0;
}

void vector_destroy(struct vector *vector)
{
	free(vector->ranges);
	vector->ranges = NULL;
}
