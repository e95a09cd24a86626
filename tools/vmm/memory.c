// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "memory.h"
#include "sysfile.h"
#include "units.h"

int memory_kind_open(const struct memory_kind *kind, uint64_t bytes, int *fd)
{
	int error;

	*fd = -1;
	if (kind->map_flags & MAP_ANONYMOUS)
		return 0;
	*fd = memfd_create("guest-memory", MFD_CLOEXEC);
	if (*fd < 0)
		return -errno;
	if (!ftruncate(*fd, bytes))
		return 0;
	error = errno;
	close(*fd);
	*fd = -1;
	return -error;
}

int memory_kind_map(const struct memory_kind *kind, int fd, void *where,
		    uint64_t offset, uint64_t bytes)
{
	if (mmap(where, bytes, PROT_READ | PROT_WRITE,
		 kind->map_flags | MAP_FIXED, fd,
		 fd < 0 ? 0 : offset) == MAP_FAILED)
		return -errno;
	/* A kernel without huge pages knows no advice, and needs none. */
	if (kind->advice != MADV_NORMAL &&
	    madvise(where, bytes, kind->advice) < 0 &&
	    kind->advice != MADV_NOHUGEPAGE)
		return -errno;
	return 0;
}

static int map_new(struct memory *memory, const struct memory_kind *kind)
{
	int fd, ret = memory_kind_open(kind, memory->bytes, &fd);

	if (!ret)
		ret = memory_kind_map(kind, fd, memory->host, 0, memory->bytes);
	if (fd >= 0)
		close(fd);
	return ret;
}

int memory_reserve(struct memory *memory, const struct memory_kind *kind,
		   uint64_t bytes, struct failure *failure)
{
	uint64_t alignment = bytes < GIB ? 2 * MIB : GIB;
	uintptr_t start;
	void *host;

	memset(memory, 0, sizeof(*memory));
	if (alignment < kind->page_size)
		alignment = kind->page_size;
	host = mmap(NULL, bytes + alignment, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host == MAP_FAILED)
		return fail_errno(failure, errno, "address space for guest memory");
	memory->reserved = host;
	memory->reserved_bytes = bytes + alignment;
	start = ((uintptr_t)host + alignment - 1) / alignment * alignment;
	memory->host = (uint8_t *)start;
	memory->bytes = bytes;
	return 0;
}

int memory_map(struct memory *memory, const struct memory_kind *kind,
	       uint64_t bytes, struct failure *failure)
{
	int ret;

	if (memory_reserve(memory, kind, bytes, failure) < 0)
		return -1;
	ret = map_new(memory, kind);
	if (!ret)
		return 0;
	memory_unmap(memory);
	return fail(failure, "guest memory of kind %s: %s", kind->name,
		    strerror(-ret));
}

void memory_unmap(struct memory *memory)
{
	if (memory->reserved)
		munmap(memory->reserved, memory->reserved_bytes);
	memset(memory, 0, sizeof(*memory));
}

int memory_populate(uint8_t *host, uint64_t bytes, struct failure *failure)
{
	int ret;

	do {
		ret = madvise(host, bytes, MADV_POPULATE_WRITE);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	if (ret < 0 && errno == EINVAL)
		return fail_unavailable(failure,
			"no MADV_POPULATE_WRITE (Linux 5.14 and later)");
	if (ret < 0)
		return fail_errno(failure, errno, "MADV_POPULATE_WRITE");
	return 0;
}

static uint64_t status_bytes(const char *key)
{
	char value[64];

	if (!sysfile_value("/proc/self/status", key, value, sizeof(value)))
		return 0;
	return strtoull(value, NULL, 10) * KIB;
}

uint64_t memory_resident(void)
{
	return status_bytes("VmRSS") + status_bytes("HugetlbPages");
}
