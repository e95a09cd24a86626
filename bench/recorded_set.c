// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <kvm_working_set.h>
#include "guest_ranges.h"
#include "recorded_set.h"

#define MAX_RUN_PAGES	32

/* A set of its own, the caller's to destroy, with the guest's pages that are present. */
static int record(const struct guest *guest, struct kvm_working_set **set,
		  struct failure *failure)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), ret;

	*set = NULL;
	if (fd < 0)
		return fail_errno(failure, errno, "/proc/self/pagemap");
	ret = kvm_working_set_create(set);
	if (!ret)
		ret = kvm_working_set_add_pagemap(*set, fd,
						  (uintptr_t)guest->memory.host,
						  GUEST_MEMORY_BASE,
						  guest->memory.bytes,
						  KVM_WORKING_SET_PRESENT);
	close(fd);
	return ret < 0 ? fail_errno(failure, -ret, "recording a set") : 0;
}

int recorded_present(const struct guest *guest, uint64_t *bytes,
		     struct failure *failure)
{
	struct kvm_working_set *set;
	int ret = record(guest, &set, failure);

	*bytes = ret ? 0 : kvm_working_set_bytes(set);
	kvm_working_set_destroy(set);
	return ret;
}

/* A generator of its own, for the same numbers everywhere. */
static unsigned int draw(uint64_t *state, unsigned int below)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state >> 33) % below;
}

/* The ranges that the guest is to touch. */
static int choose(struct recorded_set *chosen, uint64_t bytes,
		  unsigned int percent, struct failure *failure)
{
	uint64_t state = percent, page = 0, pages = bytes / PAGE_SIZE, run;

	chosen->ranges = calloc(pages, sizeof(*chosen->ranges));
	if (!chosen->ranges)
		return fail_errno(failure, ENOMEM, "ranges");
	for (; page < pages; page += run) {
		run = 1 + draw(&state, MAX_RUN_PAGES);
		if (run > pages - page)
			run = pages - page;
		/* A set is not empty, however small the guest is. */
		if (draw(&state, 100) >= percent && (chosen->nr || page + run < pages))
			continue;
		chosen->ranges[chosen->nr].base_address = GUEST_MEMORY_BASE +
							  page * PAGE_SIZE;
		chosen->ranges[chosen->nr++].size = run * PAGE_SIZE;
	}
	return 0;
}

static int run_guest(struct guest *guest, const struct recorded_set *chosen,
		     struct failure *failure)
{
	struct guest_ranges guest_ranges;
	uint64_t faults;
	double seconds;
	int ret;

	ret = guest_ranges_create(&guest_ranges, guest, chosen->ranges,
				  chosen->nr, failure);
	if (!ret)
		ret = vm_create_vcpus(&guest->vm, 1, failure);
	if (!ret)
		ret = guest_ranges_write(&guest_ranges, &seconds, &faults,
					 failure);
	guest_ranges_destroy(&guest_ranges);
	return ret;
}

static int copy_ranges(struct recorded_set *set,
		       const struct kvm_working_set *from,
		       struct failure *failure)
{
	size_t first = 0, nr;

	set->nr = kvm_working_set_count(from);
	set->bytes = kvm_working_set_bytes(from);
	set->ranges = calloc(set->nr, sizeof(*set->ranges));
	if (!set->ranges)
		return fail_errno(failure, ENOMEM, "ranges");
	while ((nr = kvm_working_set_mappings(from, first, set->ranges + first,
					      set->nr - first, 0)))
		first += nr;
	return 0;
}

int recorded_set_create(struct recorded_set *set, int kvm_fd, uint64_t bytes,
			unsigned int percent, struct failure *failure)
{
	struct kvm_working_set *recorded = NULL;
	struct recorded_set chosen = {};
	struct guest guest;
	int ret;

	memset(set, 0, sizeof(*set));
	ret = guest_create(&guest, kvm_fd, memory_kind_find("4k"), bytes,
			   failure);
	if (!ret)
		ret = choose(&chosen, bytes, percent, failure);
	if (!ret)
		ret = run_guest(&guest, &chosen, failure);
	if (!ret)
		ret = record(&guest, &recorded, failure);
	if (!ret)
		ret = copy_ranges(set, recorded, failure);
	kvm_working_set_destroy(recorded);
	recorded_set_destroy(&chosen);
	guest_destroy(&guest);
	return ret;
}

void recorded_set_destroy(struct recorded_set *set)
{
	free(set->ranges);
	memset(set, 0, sizeof(*set));
}
