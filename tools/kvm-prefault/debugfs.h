/* SPDX-License-Identifier: GPL-2.0 */
/* KVM's directory in debugfs, which has a directory PID-FD for each VM. */
#ifndef DEBUGFS_H
#define DEBUGFS_H

#include <dirent.h>
#include "failure.h"

#define DEBUGFS_DIRECTORY "/sys/kernel/debug"

/* Opens "kvm" in the directory; NULL and a reason if it cannot be read. */
DIR *debugfs_open(const char *directory, struct failure *failure);

#endif
