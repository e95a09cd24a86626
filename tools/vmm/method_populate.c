// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sys/mman.h>
#include "slices.h"

static int populate_check(int kvm_fd, struct failure *failure)
{
	void *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	(void)kvm_fd;
	if (page == MAP_FAILED)
		return fail_errno(failure, errno, "a page of memory");
	ret = memory_populate(page, PAGE_SIZE, failure);
	munmap(page, PAGE_SIZE);
	return ret;
}

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
	.check = populate_check,
	.prepare = populate_prepare,
};
