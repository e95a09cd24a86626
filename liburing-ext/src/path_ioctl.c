// SPDX-License-Identifier: MIT
/*
 * The ioctl KVM_MAP_MEMORY_BATCH in the session's thread.  A signal would end it early,
 * but a library has no signal of its own: so a slice is small, and is waited out.
 */
#include <stdio.h>

#include "blocking.h"
#include "session.h"

static int ioctl_check(const struct kvm_prefault_session *session, char *why, size_t size)
{
	int ret = liburing_kvm_batch_check(session, KVM_MAP_MEMORY_FEATURE_BATCH, why,
					   size);

	if (!ret)
		snprintf(why, size, "KVM offers KVM_MAP_MEMORY_BATCH for this VM");
	return ret;
}

static int ioctl_run(struct kvm_prefault_session *session, struct slice *slice)
{
	int ret;

	(void)slice;
	liburing_kvm_batch_init(session);
	ret = liburing_kvm_ioctl(session->vm_fd, KVM_MAP_MEMORY_BATCH,
				 (unsigned long)&session->batch);
	liburing_kvm_batch_done(session);
	return ret;
}

const struct path_ops liburing_kvm_path_ioctl = {
	.path = KVM_PREFAULT_PATH_IOCTL,
	.name = "ioctl",
	.slice_size = 32ULL << 20,
	.check = ioctl_check,
	.run = ioctl_run,
	.idle = liburing_kvm_batch_idle,
};
