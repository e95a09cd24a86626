// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include "debugfs.h"

static bool is_debugfs(const char *directory)
{
	struct statfs status;

	return !statfs(directory, &status) && status.f_type == DEBUGFS_MAGIC;
}

static void cannot_open(const char *directory, const char *path, int error,
			struct failure *failure)
{
	if (error == EACCES || error == EPERM) {
		fail_unavailable(failure, "%s: no permission", path);
		advise(failure, "Run it as root: debugfs is for root alone.\n");
	} else if (error != ENOENT) {
		fail_errno(failure, error, path);
	} else if (is_debugfs(directory)) {
		fail_unavailable(failure, "%s: KVM is not loaded", path);
		advise(failure, "As root: modprobe kvm_amd, or modprobe kvm_intel.\n");
	} else {
		fail_unavailable(failure, "debugfs is not mounted at %s",
				 directory);
		advise(failure, "As root: mount -t debugfs none %s\n",
		       directory);
	}
}

DIR *debugfs_open(const char *directory, struct failure *failure)
{
	char path[4096];
	DIR *kvm;

	snprintf(path, sizeof(path), "%s/kvm", directory);
	kvm = opendir(path);
	if (!kvm)
		cannot_open(directory, path, errno, failure);
	return kvm;
}
