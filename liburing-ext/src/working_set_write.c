// SPDX-License-Identifier: MIT
/* Writing a working set to a file. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "working_set.h"
#include "working_set_file.h"

#define BUFFER_SIZE 4096

struct output {
	int fd;
	__u32 crc;
	size_t used;
	char buffer[BUFFER_SIZE];
};

static int flush(struct output *output)
{
	size_t done = 0;
	ssize_t ret;

	while (done < output->used) {
		ret = write(output->fd, output->buffer + done,
			    output->used - done);
		if (!ret || (ret < 0 && errno != EINTR))
			return ret ? -errno : -EIO;
		if (ret > 0)
			done += ret;
	}
	output->used = 0;
	return 0;
}

/* Where a line is to go, WORKING_SET_LINE_MAX bytes; NULL and an error if nowhere. */
static char *line_begin(struct output *output, int *error)
{
	*error = 0;
	if (BUFFER_SIZE - output->used < WORKING_SET_LINE_MAX)
		*error = flush(output);
	return *error ? NULL : output->buffer + output->used;
}

static void line_end(struct output *output, size_t length)
{
	output->crc = liburing_kvm_crc32(output->crc,
					 output->buffer + output->used, length);
	output->used += length;
}

static int write_lines(const struct kvm_working_set *set, struct output *output)
{
	const struct kvm_memory_mapping *range;
	char *line;
	size_t i;
	int ret;

	line = line_begin(output, &ret);
	if (!line)
		return ret;
	line_end(output, sprintf(line, WORKING_SET_HEAD "%llu\n",
				 (unsigned long long)liburing_kvm_page_size()));
	for (i = 0; i < set->nr; i++) {
		range = &set->ranges[i];
		line = line_begin(output, &ret);
		if (!line)
			return ret;
		line_end(output, sprintf(line, "0x%llx 0x%llx\n",
					 (unsigned long long)range->base_address,
					 (unsigned long long)range->size));
	}
	line = line_begin(output, &ret);
	if (!line)
		return ret;
	output->used += sprintf(line, WORKING_SET_RANGES "%llu"
				WORKING_SET_BYTES "%llu" WORKING_SET_CRC "%08x\n",
				(unsigned long long)set->nr,
				(unsigned long long)kvm_working_set_bytes(set),
				output->crc);
	return flush(output);
}

int kvm_working_set_write(const struct kvm_working_set *set, int fd)
{
	struct output output = { .fd = fd };
	int saved_errno = errno;
	int ret = write_lines(set, &output);

	errno = saved_errno;
	return ret;
}
