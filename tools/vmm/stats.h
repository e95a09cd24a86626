/* SPDX-License-Identifier: GPL-2.0 */
/* KVM's binary statistics (KVM_GET_STATS_FD) of a VM or a vCPU. */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>
#include "failure.h"

struct stats {
	int fd;
};

int stats_open(struct stats *stats, int vm_or_vcpu_fd,
	       struct failure *failure);
void stats_close(struct stats *stats);
/* The index of the value of that name, or -1. */
int64_t stats_find(const struct stats *stats, const char *name);
/* The value found there; 0 for position -1. */
uint64_t stats_read(const struct stats *stats, int64_t position);

#endif
