// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sys/mman.h>
#include "slices.h"

static int populate_slice(struct slice *slice)
{
	int ret;

	do {
		ret = madvise(slice->host, slice->bytes, MADV_POPULATE_WRITE);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	if (ret < 0 && errno == EINVAL)
		return fail_unavailable(&slice->failure,
			"no MADV_POPULATE_WRITE (Linux 5.14 and later)");
	if (ret < 0)
		return fail_errno(&slice->failure, errno,
				  "MADV_POPULATE_WRITE");
	return 0;
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
