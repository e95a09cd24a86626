// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "clock.h"
#include "guest_ranges.h"
#include "long_mode.h"

/* guest_program.S */
extern const uint8_t guest_program[], guest_list_program[];

/* A range in the list. */
struct list_entry {
	uint64_t start;
	uint64_t end;
};

int guest_ranges_create(struct guest_ranges *guest_ranges, struct guest *guest,
			const struct kvm_memory_mapping *ranges, size_t nr,
			struct failure *failure)
{
	uint64_t bytes = nr * sizeof(struct list_entry);

	memset(guest_ranges, 0, sizeof(*guest_ranges));
	guest_ranges->guest = guest;
	guest_ranges->ranges = ranges;
	guest_ranges->nr = nr;
	bytes = (bytes + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	if (bytes > GUEST_MEMORY_BASE - GUEST_LIST_BASE)
		return fail(failure, "%zu ranges are too many", nr);
	if (memory_map(&guest_ranges->list, memory_kind_find("4k"), bytes,
		       failure) < 0)
		return -1;
	return vm_add_memory(&guest->vm, GUEST_LIST_BASE,
			     guest_ranges->list.host, bytes, failure);
}

void guest_ranges_destroy(struct guest_ranges *guest_ranges)
{
	memory_unmap(&guest_ranges->list);
}

/* The guest's own writes map the list, on any KVM, before it is filled in. */
static int fill_list(struct guest_ranges *guest_ranges, struct failure *failure)
{
	struct list_entry *entries = (void *)guest_ranges->list.host;
	size_t i;

	if (guest_write_range(guest_ranges->guest, 0, GUEST_LIST_BASE,
			      guest_ranges->list.bytes, failure) < 0)
		return -1;
	for (i = 0; i < guest_ranges->nr; i++) {
		const struct kvm_memory_mapping *range = &guest_ranges->ranges[i];

		entries[i].start = range->base_address;
		entries[i].end = range->base_address + range->size;
	}
	return 0;
}

int guest_ranges_write(struct guest_ranges *guest_ranges, double *seconds,
		       uint64_t *faults, struct failure *failure)
{
	const struct kvm_regs regs = {
		.rip = LONG_MODE_CODE + (guest_list_program - guest_program),
		.rdi = GUEST_LIST_BASE,
		.rsi = GUEST_LIST_BASE +
		       guest_ranges->nr * sizeof(struct list_entry),
	};
	uint64_t before;
	double start;

	if (fill_list(guest_ranges, failure) < 0)
		return -1;
	before = vm_faults(&guest_ranges->guest->vm);
	start = clock_seconds();
	if (guest_run(guest_ranges->guest, 0, &regs, failure) < 0)
		return -1;
	*seconds = clock_seconds() - start;
	*faults = vm_faults(&guest_ranges->guest->vm) - before;
	return 0;
}

int guest_ranges_check(const struct guest_ranges *guest_ranges,
		       struct failure *failure)
{
	const struct guest *guest = guest_ranges->guest;
	size_t i;

	for (i = 0; i < guest_ranges->nr; i++) {
		const struct kvm_memory_mapping *range = &guest_ranges->ranges[i];

		if (guest_check_range(guest, range->base_address, range->size,
				      failure) < 0)
			return -1;
	}
	return 0;
}
