// SPDX-License-Identifier: MIT
/* MADV_POPULATE_WRITE alone, which leaves the guest its stage-2 faults. */
#include <stdio.h>

#include "session.h"

static int populate_check(const struct kvm_prefault_session *session, char *why,
			  size_t size)
{
	int ret = liburing_kvm_host_check(session, why, size);

	if (!ret)
		snprintf(why, size, "the kernel has MADV_POPULATE_WRITE");
	return ret;
}

static int populate_run(struct kvm_prefault_session *session, struct slice *slice)
{
	return liburing_kvm_host_run(session, slice, session->nr_workers,
				     liburing_kvm_populate);
}

const struct path_ops liburing_kvm_path_populate = {
	.path = KVM_PREFAULT_PATH_POPULATE,
	.name = "populate",
	.slice_size = 256ULL << 20,
	.check = populate_check,
	.run = populate_run,
};
