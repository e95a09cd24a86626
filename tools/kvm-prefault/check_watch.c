// SPDX-License-Identifier: GPL-2.0
/* The files that kvm-prefault watch reads. */
#include "check.h"
#include "debugfs.h"

void check_watch(struct checks *checks)
{
	struct failure failure;
	DIR *kvm = debugfs_open(DEBUGFS_DIRECTORY, &failure);

	if (!kvm) {
		check_add_failure(checks, CHECK_WATCH, "debugfs", CHECK_MISSING,
				  &failure);
		return;
	}
	closedir(kvm);
	check_add(checks, CHECK_WATCH, "debugfs", CHECK_OK,
		  DEBUGFS_DIRECTORY "/kvm can be read");
}
