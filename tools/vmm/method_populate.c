// SPDX-License-Identifier: GPL-2.0
#include "slices.h"

static int populate_slice(struct slice *slice)
{
	return memory_populate(slice->host, slice->bytes, &slice->failure);
}

static int populate_prepare(struct preparation *preparation,
			    struct failure *failure)
{
	return slices_run(preparation, populate_slice, failure);
}

const struct method method_populate = {
	.name = "populate",
	.summary = "MADV_POPULATE_WRITE: host memory, but not the guest's mappings",
	.prepare = populate_prepare,
};
