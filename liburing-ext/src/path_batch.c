// SPDX-License-Identifier: MIT
/* KVM_MAP_MEMORY_BATCH, for io_uring and the ioctl. */
#include <errno.h>
#include <stdio.h>

#include "blocking.h"
#include "session.h"

/* A VM that this process may not use is an error, one without the call is not. */
int liburing_kvm_probe_vm(struct kvm_prefault_session *session)
{
	if (session->vm_fd < 0)
		return 0;
	session->features = kvm_map_memory_probe(session->vm_fd);
	return session->features < 0 ? session->features : 0;
}

static __u64 all_flags(const struct kvm_prefault_session *session)
{
	__u64 flags = 0;
	size_t i;

	for (i = 0; i < session->normal.nr; i++)
		flags |= session->normal.pieces[session->normal.first + i].flags;
	return flags;
}

int liburing_kvm_batch_check(const struct kvm_prefault_session *session, int feature,
			     char *why, size_t size)
{
	__u64 flags = all_flags(session);

	if (session->vm_fd < 0)
		snprintf(why, size, "no VM was given");
	else if (!(session->features & feature))
		snprintf(why, size, "KVM does not offer it for this VM");
	else if ((flags & KVM_MEMORY_MAPPING_READ) &&
		 !(session->features & KVM_MAP_MEMORY_FEATURE_READ))
		snprintf(why, size, "KVM lacks KVM_MEMORY_MAPPING_READ");
	else if ((flags & KVM_MEMORY_MAPPING_RESIDENT) &&
		 !(session->features & KVM_MAP_MEMORY_FEATURE_RESIDENT))
		snprintf(why, size, "KVM lacks KVM_MEMORY_MAPPING_RESIDENT");
	else if ((session->flags & KVM_PREFAULT_SESSION_BACKGROUND) &&
		 !(session->features & KVM_MAP_MEMORY_FEATURE_BACKGROUND))
		snprintf(why, size, "KVM lacks KVM_MAP_MEMORY_BACKGROUND");
	else
		return 0;
	return -EOPNOTSUPP;
}

void liburing_kvm_batch_init(struct kvm_prefault_session *session)
{
	struct slice *slice = &session->slice;

	kvm_map_memory_batch_init(&session->batch, slice->pieces, slice->nr,
				  session->nr_workers);
	/* The session's thread ends those that are kept. */
	if (session->has_thread &&
	    (session->features & KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS))
		session->batch.flags |= KVM_MAP_MEMORY_KEEP_HELPERS;
	if (session->flags & KVM_PREFAULT_SESSION_BACKGROUND)
		session->batch.flags |= KVM_MAP_MEMORY_BACKGROUND;
}

void liburing_kvm_batch_done(struct kvm_prefault_session *session)
{
	const struct kvm_map_memory_batch *batch = &session->batch;
	struct slice *slice = &session->slice;

	/* Else no mapping was tried, and there are no results. */
	if (!batch->workers_used)
		return;
	slice->mapped = batch->bytes_mapped;
	slice->present = batch->bytes_present;
	slice->skipped = batch->bytes_skipped;
	slice->threads = batch->workers_used;
	slice->first_undone = batch->first_undone;
}

void liburing_kvm_batch_idle(struct kvm_prefault_session *session)
{
	if (session->features & KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS)
		kvm_map_memory_end_helpers(session->vm_fd);
}
