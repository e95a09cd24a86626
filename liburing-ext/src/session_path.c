// SPDX-License-Identifier: MIT
/* The best path that is available, and why it is that one. */
#include <errno.h>
#include <stdio.h>

#include "session.h"

#define WHY_SIZE	128

static const struct path_ops *const paths[] = {
	&liburing_kvm_path_uring,
	&liburing_kvm_path_ioctl,
	&liburing_kvm_path_pre_fault,
	&liburing_kvm_path_populate,
};

#define NR_PATHS	(sizeof(paths) / sizeof(paths[0]))

const char *kvm_prefault_path_name(unsigned int path)
{
	size_t i;

	for (i = 0; i < NR_PATHS; i++)
		if (paths[i]->path == path)
			return paths[i]->name;
	return "unknown";
}

static void append(struct kvm_prefault_session *session, const char *name,
		   const char *text)
{
	size_t length = strlen(session->reason);

	snprintf(session->reason + length, sizeof(session->reason) - length,
		 "%s%s: %s", length ? "; " : "", name, text);
}

static int wanted(const struct kvm_prefault_session *session,
		  const struct path_ops *ops, unsigned int path)
{
	if (session->flags & KVM_PREFAULT_SESSION_CALLER_RING)
		path = KVM_PREFAULT_PATH_URING;
	return path == KVM_PREFAULT_PATH_BEST || path == ops->path;
}

static void take(struct kvm_prefault_session *session, const struct path_ops *ops,
		 const char *why)
{
	session->chosen = ops;
	session->ops = ops;
	append(session, ops->name, why);
	if (!session->slice_size)
		session->slice_size = ops->slice_size;
}

int liburing_kvm_choose_path(struct kvm_prefault_session *session, unsigned int path)
{
	char why[WHY_SIZE];
	size_t i;
	int ret;

	ret = liburing_kvm_probe_vm(session);
	if (ret)
		return ret;
	for (i = 0; i < NR_PATHS; i++) {
		if (!wanted(session, paths[i], path))
			continue;
		why[0] = '\0';
		ret = paths[i]->check(session, why, sizeof(why));
		if (!ret) {
			take(session, paths[i], why);
			return 0;
		}
		if (ret != -EOPNOTSUPP)
			return ret;
		append(session, paths[i]->name, why);
	}
	return -EOPNOTSUPP;
}
