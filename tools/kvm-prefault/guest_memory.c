// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest_memory.h"
#include "parse.h"
#include "units.h"

#define MEMORY_OPTION "--memory, GPA:HVA:SIZE,"

/* A mapping, with those that follow it and are alike: VMMs advise on parts of one. */
struct mapping {
	uint64_t start;
	uint64_t end;
	char rights[8];
	char device[16];
	uint64_t inode;
};

static int parse_piece(char *text, struct guest_piece *piece,
		       struct failure *failure)
{
	char *base = strsep(&text, ":"), *host = strsep(&text, ":");

	if (!host || !text)
		return fail(failure, "--memory is GPA:HVA:SIZE, three values, such as 0:0x7f0000000000:512M");
	if (parse_number(MEMORY_OPTION " GPA", base, 0, UINT64_MAX,
			 &piece->base, failure) < 0 ||
	    parse_number(MEMORY_OPTION " HVA", host, 0, UINT64_MAX,
			 &piece->host, failure) < 0 ||
	    parse_size(MEMORY_OPTION " SIZE", text, &piece->bytes, failure) < 0)
		return -1;
	if (piece->base % PAGE_SIZE || piece->host % PAGE_SIZE ||
	    piece->bytes > UINT64_MAX - piece->base ||
	    piece->bytes > UINT64_MAX - piece->host)
		return fail(failure, "--memory needs addresses of pages, and an end below 2^64");
	return 0;
}

int guest_memory_add(struct guest_memory *memory, const char *text,
		     struct failure *failure)
{
	char *copy;
	int ret;

	if (memory->nr == GUEST_MEMORY_MAX_PIECES)
		return fail(failure, "--memory is taken %d times at most",
			    GUEST_MEMORY_MAX_PIECES);
	copy = strdup(text);
	if (!copy)
		return fail_errno(failure, ENOMEM, "--memory");
	ret = parse_piece(copy, &memory->pieces[memory->nr], failure);
	free(copy);
	if (!ret)
		memory->nr++;
	return ret;
}

uint64_t guest_memory_bytes(const struct guest_memory *memory)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < memory->nr; i++)
		bytes += memory->pieces[i].bytes;
	return bytes;
}

static FILE *open_maps(int proc_fd, struct failure *failure)
{
	int fd = openat(proc_fd, "maps", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file) {
		fail_errno(failure, errno, "the process' maps");
		if (fd >= 0)
			close(fd);
	}
	return file;
}

/* The next line of the file, whatever its length. */
static bool read_mapping(FILE *maps, struct mapping *mapping)
{
	int c;

	if (fscanf(maps, "%" SCNx64 "-%" SCNx64 " %7s %*x %15s %" SCNu64,
		   &mapping->start, &mapping->end, mapping->rights,
		   mapping->device, &mapping->inode) != 5)
		return false;
	do {
		c = fgetc(maps);
	} while (c != '\n' && c != EOF);
	return true;
}

static bool goes_on(const struct mapping *mapping, const struct mapping *next)
{
	return mapping->end == next->start &&
	       mapping->inode == next->inode &&
	       !strcmp(mapping->rights, next->rights) &&
	       !strcmp(mapping->device, next->device);
}

static void find_largest(FILE *maps, struct mapping *largest)
{
	struct mapping next, current = {};

	memset(largest, 0, sizeof(*largest));
	while (read_mapping(maps, &next)) {
		if (goes_on(&current, &next))
			current.end = next.end;
		else
			current = next;
		if (!strncmp(current.rights, "rw", 2) &&
		    current.end - current.start > largest->end - largest->start)
			*largest = current;
	}
}

int guest_memory_guess(struct guest_memory *memory, int proc_fd,
		       uint64_t below_4g, struct failure *failure)
{
	FILE *maps = open_maps(proc_fd, failure);
	struct mapping largest;
	uint64_t bytes;

	if (!maps)
		return -1;
	find_largest(maps, &largest);
	fclose(maps);
	bytes = largest.end - largest.start;
	if (!bytes)
		return fail(failure, "the process has no writable memory, it may have ended");
	memory->pieces[0] = (struct guest_piece) {
		.host = largest.start,
		.bytes = bytes < below_4g ? bytes : below_4g,
	};
	memory->nr = 1;
	if (bytes <= below_4g)
		return 0;
	memory->pieces[1] = (struct guest_piece) {
		.base = 4 * GIB,
		.host = largest.start + below_4g,
		.bytes = bytes - below_4g,
	};
	memory->nr = 2;
	return 0;
}

int guest_memory_check(const struct guest_memory *memory, int proc_fd,
		       struct failure *failure)
{
	unsigned int i;

	for (i = 0; i < memory->nr; i++) {
		const struct guest_piece *piece = &memory->pieces[i];
		uint64_t reached = piece->host, end = reached + piece->bytes;
		FILE *maps = open_maps(proc_fd, failure);
		struct mapping mapping;

		if (!maps)
			return -1;
		while (reached < end && read_mapping(maps, &mapping))
			if (mapping.start <= reached && mapping.end > reached)
				reached = mapping.end;
		fclose(maps);
		if (reached < end)
			return fail(failure, "the process has no memory at %#llx, which --memory names",
				    (unsigned long long)reached);
	}
	return 0;
}
