// SPDX-License-Identifier: GPL-2.0
/* Arguments, good and bad, and with which errno the bad ones have to be refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "call.h"
#include "machine.h"
#include "place.h"

#define ROUND_UP(n)	(((n) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))

static uint64_t random_flags(struct rng *rng)
{
	static const uint64_t flags[] = {
		0, 0, 0, 0, 0, KVM_MEMORY_MAPPING_READ, KVM_MEMORY_MAPPING_RESIDENT,
		KVM_MEMORY_MAPPING_FLAGS_ALL,
	};

	return rng_pick(rng, flags);
}

/*
 * The time of a call goes by its pages: few are large, and in all take no longer
 * than the small ones.
 */
static bool random_large(struct rng *rng)
{
	return rng_percent(rng, 1);
}

static uint64_t small_size(struct rng *rng)
{
	return (1 + rng_below(rng, rng_percent(rng, 90) ? 3 : 16)) * PAGE_SIZE;
}

static void make_large(struct kvm_memory_mapping *mapping, struct rng *rng)
{
	uint64_t left = SZ_4M - mapping->base_address % SZ_4M;
	unsigned int shape = rng_below(rng, 100);

	if (shape < 75) {
		mapping->size = (1 + rng_below(rng, 256)) * PAGE_SIZE;
	} else if (shape < 85) {
		mapping->size = (1 + rng_below(rng, left / PAGE_SIZE)) * PAGE_SIZE;
	} else if (shape < 92) {
		mapping->base_address -= mapping->base_address % SZ_4M;
		mapping->size = SZ_4M;
	} else if (shape < 95) {
		mapping->size = WINDOW_SIZE;
	} else {
		/* Most of the address space, from somewhere. */
		mapping->base_address = rng_below(rng, machine.gpa_end / PAGE_SIZE) *
					PAGE_SIZE;
		mapping->size = machine.gpa_end - mapping->base_address;
	}
}

static struct kvm_memory_mapping good_mapping(struct rng *rng, bool large)
{
	struct kvm_memory_mapping mapping = {
		.base_address = WINDOW_GPA(1 + rng_below(rng, NR_SLOTS)),
		.size = small_size(rng),
		.flags = random_flags(rng),
	};

	mapping.base_address += rng_below(rng, SZ_4M / PAGE_SIZE) * PAGE_SIZE;
	if (large)
		make_large(&mapping, rng);
	return mapping;
}

static void spoil_mapping(struct kvm_memory_mapping *mapping, struct rng *rng)
{
	switch (rng_below(rng, 6)) {
	case 0:
		mapping->base_address |= 1 + rng_below(rng, PAGE_SIZE - 1);
		break;
	case 1:
		mapping->size |= 1 + rng_below(rng, PAGE_SIZE - 1);
		break;
	case 2:
		mapping->flags |= 4ULL << rng_below(rng, 62);
		break;
	case 3:
		mapping->size = -mapping->base_address;
		break;
	case 4:
		mapping->size = machine.gpa_end;
		mapping->base_address |= PAGE_SIZE;
		break;
	default:
		mapping->base_address = machine.gpa_end;
		break;
	}
}

static bool is_bad(const struct kvm_memory_mapping *mapping)
{
	uint64_t end = mapping->base_address + mapping->size;

	return mapping->flags & ~(uint64_t)KVM_MEMORY_MAPPING_FLAGS_ALL ||
	       (mapping->base_address | mapping->size) & (PAGE_SIZE - 1) ||
	       end < mapping->base_address || end > machine.gpa_end;
}

static int refuse_header(const struct kvm_map_memory_batch *batch)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(batch->reserved); i++)
		if (batch->reserved[i])
			return -EINVAL;
	if (batch->flags & ~KVM_MAP_MEMORY_BATCH_FLAGS_ALL ||
	    (batch->flags & KVM_MAP_MEMORY_OWN_THREADS &&
	     batch->flags != KVM_MAP_MEMORY_OWN_THREADS) ||
	    !batch->nr_mappings || batch->progress % sizeof(uint64_t) ||
	    batch->nr_workers > KVM_MAP_MEMORY_MAX_WORKERS)
		return -EINVAL;
	return batch->nr_mappings > KVM_MAP_MEMORY_MAX_MAPPINGS ? -E2BIG : 0;
}

static bool is_bad_vector(const struct call *call)
{
	uint64_t undone = 0;
	uint32_t i;

	for (i = 0; i < call->nr; i++) {
		if (is_bad(&call->before[i]))
			return true;
		undone |= call->before[i].size;
	}
	return !undone;
}

static bool unreadable(enum reach reach)
{
	return reach == REACH_NONE || reach == REACH_SPLIT;
}

static enum reach random_reach(struct rng *rng)
{
	static const enum reach bad[] = { REACH_NONE, REACH_READ_ONLY, REACH_SPLIT };
	unsigned int percent = rng_below(rng, 100);

	if (percent < 4)
		return rng_pick(rng, bad);
	return percent < 9 ? REACH_SHAKY : REACH_GOOD;
}

/*
 * Put @size bytes at @page, behind whose @room bytes nothing is mapped, and
 * return the address to hand in.
 */
static void *place(void *page, size_t room, const void *bytes, size_t size,
		   enum reach reach, struct rng *rng)
{
	const uint64_t nowhere[] = {
		0, (uint64_t)page + room, 0xffff888000000000ULL, -8ULL,
		1ULL << 47, 0x123456789abcdef0ULL,
	};
	void *start = page;

	switch (reach) {
	case REACH_NONE:
		return (void *)rng_pick(rng, nowhere);
	case REACH_SHAKY:
		start = (void *)(region_start(REGION_ARGUMENTS) + 8 *
				 rng_below(rng, (REGION_SIZE - size) / 8));
		/* It may be gone, or go away now. */
		if (memory_write((uint64_t)start, *(const uint64_t *)bytes))
			return start;
		break;
	case REACH_SPLIT:
		start = page + room - size / 2 / 8 * 8;
		memcpy(start, bytes, size / 2 / 8 * 8);
		return start;
	default:
		break;
	}

	if (reach == REACH_SHAKY) {
		const uint64_t *words = bytes;
		size_t i;

		for (i = 1; i < size / sizeof(*words) && i < 32; i++)
			memory_write((uint64_t)start + 8 * i, words[i]);
		return start;
	}

	memcpy(start, bytes, size);
	if (reach == REACH_READ_ONLY)
		mprotect(page, room, PROT_READ);
	return start;
}

static void make_mapping(struct call *call, struct rng *rng)
{
	enum reach reach = random_reach(rng);

	call->nr = 1;
	call->before = malloc(sizeof(*call->before));
	*call->before = good_mapping(rng, random_large(rng));
	if (rng_percent(rng, 8))
		spoil_mapping(call->before, rng);
	else if (rng_percent(rng, 2))
		call->before->size = 0;

	area_take(&call->area, PAGE_SIZE);
	call->mappings = place(call->area.first, PAGE_SIZE, call->before,
			       sizeof(*call->before), reach, rng);
	call->address = (uint64_t)call->mappings;

	call->shaky = reach == REACH_SHAKY;
	call->area.changed = reach == REACH_READ_ONLY;
	if (unreadable(reach))
		call->refused = EFAULT;
	else
		call->refused = is_bad_vector(call) ? EINVAL :
				reach == REACH_READ_ONLY ? EFAULT : 0;
	if (unreadable(reach))
		call->mappings = NULL;
	/* Others may have made good what was bad, or the other way round. */
	if (call->shaky)
		call->refused = 0;

	snprintf(call->text, sizeof(call->text),
		 "0x%llx, 0x%llx bytes, flags 0x%llx, in memory of kind %d",
		 call->before->base_address, call->before->size,
		 call->before->flags, reach);
}

static uint32_t random_nr(struct rng *rng)
{
	unsigned int shape = rng_below(rng, 5000);

	if (shape < 4850)
		return 1 + rng_below(rng, 4);
	if (shape < 4990)
		return 1 + rng_below(rng, 60);
	if (shape < 4999)
		return 1 + rng_below(rng, 600);
	return KVM_MAP_MEMORY_MAX_MAPPINGS - rng_below(rng, 2);
}

/* At most one large one, so that a batch is not too much for an emulated machine. */
static void fill_vector(struct call *call, struct rng *rng)
{
	uint64_t limit = call->nr > 16 ? 2 * PAGE_SIZE : REGION_SIZE * 2;
	uint32_t large = random_large(rng) ? rng_below(rng, call->nr) : call->nr;
	uint32_t i, good = call->nr > 200 ? call->nr - 200 : 0;

	for (i = 0; i < call->nr; i++) {
		call->before[i] = good_mapping(rng, i == large);
		if (i < good || rng_percent(rng, 4))
			call->before[i].size = 0;
		else if (call->before[i].size > limit && call->nr > 4)
			call->before[i].size = limit;
	}
	if (rng_percent(rng, 5))
		spoil_mapping(&call->before[rng_below(rng, call->nr)], rng);
}

static void spoil_header(struct kvm_map_memory_batch *batch, struct rng *rng)
{
	switch (rng_below(rng, 6)) {
	case 5:
		batch->progress |= 1 + rng_below(rng, 7);
		break;
	case 0:
		batch->flags |= 1ULL << rng_below(rng, 64);
		break;
	case 1:
		rng_pick(rng, batch->reserved) |= 1ULL << rng_below(rng, 64);
		break;
	case 2:
		batch->nr_mappings = 0;
		break;
	case 3:
		batch->nr_mappings = KVM_MAP_MEMORY_MAX_MAPPINGS + 1 +
				     rng_below(rng, 1U << 31);
		break;
	default:
		batch->nr_workers = KVM_MAP_MEMORY_MAX_WORKERS + 1 +
				    rng_below(rng, 1U << 31);
		break;
	}
}

/* What the memory of batch and vector means for the call. */
static void judge_batch(struct call *call, enum reach batch_reach,
			enum reach vector_reach)
{
	bool read_only = batch_reach == REACH_READ_ONLY ||
			 vector_reach == REACH_READ_ONLY;

	call->shaky = batch_reach == REACH_SHAKY || vector_reach == REACH_SHAKY;
	call->shaky |= call->progress_reach == REACH_SHAKY;
	call->area.changed = read_only;
	if (unreadable(batch_reach))
		call->refused = EFAULT;
	else
		call->refused = -refuse_header(&call->batch_before);
	if (!call->refused && unreadable(vector_reach))
		call->refused = EFAULT;
	if (!call->refused && is_bad_vector(call))
		call->refused = EINVAL;
	if (!call->refused && (read_only || call->progress_reach == REACH_NONE))
		call->refused = EFAULT;
	if (unreadable(batch_reach))
		call->batch = NULL;
	if (unreadable(vector_reach))
		call->mappings = NULL;
	if (call->shaky)
		call->refused = 0;
}

/* Half of the calls ask for it: mostly in what is left of the batch's page. */
static uint64_t random_progress(struct call *call, struct rng *rng)
{
	unsigned int percent = rng_below(rng, 100);

	call->progress_reach = REACH_GOOD;
	if (percent < 50)
		return 0;
	if (percent < 54) {
		call->progress_reach = REACH_NONE;
		return rng_percent(rng, 50) ? 1ULL << 47 : PAGE_SIZE;
	}
	if (percent < 60) {
		call->progress_reach = REACH_SHAKY;
		return region_start(REGION_ARGUMENTS) + 8 * rng_below(rng, REGION_SIZE / 8);
	}
	call->progress = call->area.first + PAGE_SIZE / 2;
	return (uint64_t)call->progress;
}

static void fill_header(struct call *call, struct rng *rng)
{
	static const uint32_t workers[] = { 0, 1, 1, 2, 3, 4, 8, 256 };
	static const uint64_t flags[] = {
		0, 0, KVM_MAP_MEMORY_KEEP_HELPERS, KVM_MAP_MEMORY_OWN_THREADS,
		KVM_MAP_MEMORY_BACKGROUND,
		KVM_MAP_MEMORY_BACKGROUND | KVM_MAP_MEMORY_KEEP_HELPERS,
	};
	struct kvm_map_memory_batch *batch = &call->batch_before;

	batch->mappings = (uint64_t)call->mappings;
	batch->nr_mappings = call->nr;
	batch->nr_workers = rng_pick(rng, workers);
	batch->flags = rng_pick(rng, flags);
	batch->progress = random_progress(call, rng);
	/* So that it can be told whether they were written. */
	batch->bytes_mapped = rng_next(rng);
	batch->bytes_present = rng_next(rng);
	batch->bytes_skipped = rng_next(rng);
	batch->first_undone = rng_next(rng);
	if (rng_percent(rng, 6)) {
		spoil_header(batch, rng);
		if (rng_percent(rng, 50))
			spoil_header(batch, rng);
	}
}

static void make_batch(struct call *call, struct rng *rng)
{
	enum reach batch_reach = random_reach(rng), vector_reach = random_reach(rng);
	struct kvm_map_memory_batch *batch = &call->batch_before;
	size_t vector_size;

	call->nr = random_nr(rng);
	vector_size = call->nr * sizeof(*call->before);
	call->before = malloc(vector_size);
	fill_vector(call, rng);

	area_take(&call->area, ROUND_UP(vector_size));
	call->mappings = place(call->area.second, ROUND_UP(vector_size), call->before,
			       vector_size, vector_reach, rng);
	fill_header(call, rng);
	call->batch = place(call->area.first, PAGE_SIZE, batch, sizeof(*batch), batch_reach,
			    rng);
	call->address = (uint64_t)call->batch;
	if (batch->flags & KVM_MAP_MEMORY_OWN_THREADS)
		places[call->vm].joinable = call->address;

	judge_batch(call, batch_reach, vector_reach);

	snprintf(call->text, sizeof(call->text),
		 "%u mappings from 0x%llx, 0x%llx bytes, %u workers, flags 0x%llx, in memory of kinds %d and %d",
		 batch->nr_mappings, call->before->base_address, call->before->size,
		 batch->nr_workers, batch->flags, batch_reach, vector_reach);
}

void call_make(struct call *call, enum entry entry, unsigned int vm,
	       struct rng *rng)
{
	memset(call, 0, sizeof(*call));
	call->entry = entry;
	call->vm = vm;
	if (entry == ENTRY_VCPU)
		make_mapping(call, rng);
	else
		make_batch(call, rng);
}

void call_free(struct call *call)
{
	area_give_back(&call->area);
	free(call->before);
	memset(call, 0, sizeof(*call));
}
