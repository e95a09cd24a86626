// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest.h"
#include "replay.h"

/* What a line is, by the errno of kvm_working_set_read(). */
static const char *line_error(int error)
{
	switch (error) {
	case EINVAL:
		return "this is no line of a working set, see kvm-working-set(5)";
	case EOPNOTSUPP:
		return "the version or the page size is one that this host does not have";
	case ERANGE:
		return "the range is not one of whole pages, or has no end in 64 bits";
	case EEXIST:
		return "the range overlaps that of an earlier line";
	case ENODATA:
		return "the file ends here and is not complete";
	case EBADMSG:
		return "number of ranges, bytes or checksum are not those of the file";
	default:
		return strerror(error);
	}
}

static int read_file(struct replay *replay, struct failure *failure)
{
	unsigned long line = 0;
	int fd = open(replay->file, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return fail_errno(failure, errno, replay->file);
	ret = kvm_working_set_create(&replay->set);
	if (!ret)
		ret = kvm_working_set_read(replay->set, fd, &line);
	close(fd);
	if (!ret)
		return 0;
	if (!line)
		return fail_errno(failure, -ret, replay->file);
	fail(failure, "%s, line %lu: %s", replay->file, line, line_error(-ret));
	advise(failure,
	       "A file that was changed or cut is refused: record the set once more.\n");
	return -1;
}

/* The set as a whole is moved, by whole GiB, so that huge pages stay such. */
static void find_span(struct replay *replay)
{
	struct kvm_memory_mapping range;
	uint64_t first = UINT64_MAX, end = 0;
	size_t i;

	for (i = 0; kvm_working_set_mappings(replay->set, i, &range, 1, 0); i++) {
		if (first > range.base_address)
			first = range.base_address;
		if (end < range.base_address + range.size)
			end = range.base_address + range.size;
	}
	replay->base = first / GIB * GIB;
	replay->span = end - replay->base;
}

int replay_read(struct replay *replay, const char *file, struct failure *failure)
{
	memset(replay, 0, sizeof(*replay));
	replay->file = file;
	if (read_file(replay, failure) < 0)
		goto destroy;
	if (!kvm_working_set_count(replay->set)) {
		fail(failure, "%s: there is no page in this set", file);
		goto destroy;
	}
	find_span(replay);
	if (replay->span > GUEST_MEMORY_MAX) {
		fail(failure, "%s: the set reaches over %llu GiB, and a VM here has at most %llu GiB",
		     file, (unsigned long long)(replay->span / GIB),
		     (unsigned long long)(GUEST_MEMORY_MAX / GIB));
		goto destroy;
	}
	return 0;
destroy:
	replay_destroy(replay);
	return -1;
}

void replay_destroy(struct replay *replay)
{
	kvm_working_set_destroy(replay->set);
	replay->set = NULL;
}

/* All ranges of a set, at least one, which are the caller's to free; or NULL. */
static struct kvm_memory_mapping *copy_ranges(const struct kvm_working_set *set,
					      size_t *nr)
{
	struct kvm_memory_mapping *ranges;
	size_t filled = 0, more;

	*nr = kvm_working_set_count(set);
	ranges = calloc(*nr, sizeof(*ranges));
	while (ranges && (more = kvm_working_set_mappings(set, filled,
							  ranges + filled,
							  *nr - filled, 0)))
		filled += more;
	return ranges;
}

/* Makes a range of a set one of the VM, in whole pages. */
static void move_range(const struct replay *replay, uint64_t page_size,
		       struct kvm_memory_mapping *range)
{
	uint64_t start = range->base_address - replay->base;
	uint64_t end = start + range->size;

	start = start / page_size * page_size;
	end = (end + page_size - 1) / page_size * page_size;
	range->base_address = GUEST_MEMORY_BASE + start;
	range->size = end - start;
}

int replay_place(const struct replay *replay, const struct memory_kind *kind,
		 struct kvm_memory_mapping **ranges, size_t *nr,
		 struct failure *failure)
{
	struct kvm_memory_mapping *moved = copy_ranges(replay->set, nr);
	struct kvm_working_set *placed = NULL;
	int ret = moved ? kvm_working_set_create(&placed) : -ENOMEM;
	size_t i;

	*ranges = NULL;
	if (!ret) {
		for (i = 0; i < *nr; i++)
			move_range(replay, kind->page_size, &moved[i]);
		/* Two ranges may be in one huge page. */
		ret = kvm_working_set_add(placed, moved, *nr);
	}
	if (!ret) {
		*ranges = copy_ranges(placed, nr);
		ret = *ranges ? 0 : -ENOMEM;
	}
	free(moved);
	kvm_working_set_destroy(placed);
	return ret < 0 ? fail_errno(failure, -ret, replay->file) : 0;
}
