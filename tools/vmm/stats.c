// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "kvm.h"
#include "stats.h"

int stats_open(struct stats *stats, int vm_or_vcpu_fd,
	       struct failure *failure)
{
	stats->fd = ioctl(vm_or_vcpu_fd, KVM_GET_STATS_FD, NULL);
	if (stats->fd < 0)
		return fail_errno(failure, errno,
			"KVM's statistics (KVM_GET_STATS_FD, since Linux 5.14)");
	return 0;
}

void stats_close(struct stats *stats)
{
	if (stats->fd >= 0)
		close(stats->fd);
	stats->fd = -1;
}

int64_t stats_find(const struct stats *stats, const char *name)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	int64_t position = -1;
	size_t desc_size;
	uint32_t i;

	if (pread(stats->fd, &header, sizeof(header), 0) != sizeof(header))
		return -1;
	desc_size = sizeof(*desc) + header.name_size;
	desc = malloc(desc_size);
	if (!desc)
		return -1;
	for (i = 0; i < header.num_desc && position < 0; i++) {
		off_t offset = header.desc_offset + i * desc_size;

		if (pread(stats->fd, desc, desc_size, offset) !=
		    (ssize_t)desc_size)
			break;
		if (!strncmp(desc->name, name, header.name_size))
			position = header.data_offset + desc->offset;
	}
	free(desc);
	return position;
}

uint64_t stats_read(const struct stats *stats, int64_t position)
{
	uint64_t value = 0;

	if (position < 0 ||
	    pread(stats->fd, &value, sizeof(value), position) != sizeof(value))
		return 0;
	return value;
}
