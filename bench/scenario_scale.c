// SPDX-License-Identifier: GPL-2.0
/*
 * Guests far larger than this machine: every memslot shows the same few pages.
 * KVM's tables and the time to fill them grow with the guest, so that
 * even resident pages keep workers busy for long.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "meminfo.h"
#include "peer.h"
#include "scenario.h"
#include "section.h"
#include "trial.h"
#include "units.h"

/* Sizes are the one asked for, divided by these. */
static const unsigned int divisors[] = { 64, 16, 4, 1 };

#define SLOT_BYTES_2M	(256 * MIB)
/* Of pages that are larger than that a slot has so many, all of them the same one. */
#define SLOT_PAGES	16

static const struct metric entries_made = {
	.name = "entries",
	.title = "entries",
	.unit = "entries",
};

/* One page of hugetlb memory at several places. */
static int map_page_often(struct memory *memory, const struct memory_kind *kind,
			  unsigned int nr, struct failure *failure)
{
	uint64_t bytes = nr * kind->page_size, offset;
	int fd, ret = 0;

	if (memory_reserve(memory, kind, bytes, failure) < 0)
		return -1;
	fd = memfd_create("guest-memory", MFD_CLOEXEC | MFD_HUGETLB |
			  (kind->map_flags & (MAP_HUGE_MASK << MAP_HUGE_SHIFT)));
	if (fd < 0)
		return fail_errno(failure, errno, "memfd_create of a huge page");
	if (ftruncate(fd, kind->page_size) < 0)
		ret = fail_errno(failure, errno, "ftruncate to a huge page");
	for (offset = 0; !ret && offset < bytes; offset += kind->page_size)
		if (mmap(memory->host + offset, kind->page_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			ret = fail_errno(failure, errno, "mmap of a huge page");
	close(fd);
	return ret;
}

/* The memory of all slots. */
static int map_slot(struct memory *memory, const struct memory_kind *kind,
		    struct failure *failure)
{
	if (kind->page_size <= SLOT_BYTES_2M)
		return kind->check(kind, SLOT_BYTES_2M, failure) < 0 ? -1 :
		       memory_map(memory, kind, SLOT_BYTES_2M, failure);
	return kind->check(kind, kind->page_size, failure) < 0 ? -1 :
	       map_page_often(memory, kind, SLOT_PAGES, failure);
}

static int create(struct guest *guest, const struct memory_kind *kind,
		  uint64_t bytes, int kvm_fd, struct failure *failure)
{
	uint64_t base, slot_bytes;

	memset(guest, 0, sizeof(*guest));
	guest->vm.fd = -1;
	guest->vm.stats.fd = -1;
	if (map_slot(&guest->memory, kind, failure) < 0 ||
	    memory_populate(guest->memory.host, guest->memory.bytes, failure) < 0 ||
	    vm_create(&guest->vm, kvm_fd, failure) < 0)
		return -1;
	slot_bytes = guest->memory.bytes;
	for (base = 0; base < bytes; base += slot_bytes)
		if (vm_add_memory(&guest->vm, base, guest->memory.host,
				  slot_bytes, failure) < 0)
			return -1;
	return 0;
}

static int prepare(struct guest *guest, const struct method *peer,
		   struct entry *entry, uint64_t page_size,
		   struct failure *failure)
{
	struct preparation preparation = {
		.guest = guest,
		.bytes = entry->bytes,
		.page_size = page_size,
		.workers_asked = entry->workers,
		.workers = entry->workers,
	};
	struct meminfo before, after;
	struct vm_pages pages;
	double start, seconds;
	int ret;

	if (peer->needs_vcpus &&
	    vm_create_vcpus(&guest->vm, entry->workers, failure) < 0)
		return -1;
	meminfo_read(&before);
	start = section_begin();
	ret = peer->prepare(&preparation, failure);
	seconds = section_end(start);
	meminfo_read(&after);
	vm_count_pages(&guest->vm, &pages);
	if (!ret && vm_pages_bytes(&pages) != entry->bytes)
		ret = fail(failure, "%llu of %llu bytes are mapped",
			   (unsigned long long)vm_pages_bytes(&pages),
			   (unsigned long long)entry->bytes);
	if (ret < 0)
		return -1;
	entry_add_sample(entry, seconds);
	entry_set_figure(entry, &entries_made, entry->bytes / page_size);
	entry_set_figure(entry, &metric_secondary_page_table_bytes,
			 after.secondary_page_tables -
			 before.secondary_page_tables);
	return 0;
}

static void run(const struct memory_kind *kind, const struct method *peer,
		uint64_t bytes, unsigned int workers, int kvm_fd,
		struct entries *entries)
{
	const struct entry key = {
		.scenario = "scale",
		.peer = peer->name,
		.memory = kind->name,
		.state = "resident",
		.layout = "aliased",
		.workers = workers,
		.bytes = bytes,
		.pages = bytes / PAGE_SIZE,
	};
	struct entry *entry = entries_get(entries, &key);
	struct failure failure = {};
	struct guest guest;
	int ret;

	ret = create(&guest, kind, bytes, kvm_fd, &failure);
	if (!ret)
		ret = prepare(&guest, peer, entry, kind->page_size, &failure);
	vm_destroy(&guest.vm);
	memory_unmap(&guest.memory);
	if (ret < 0)
		scenario_failed(entry, &failure);
}

/* All are, unless --peer says otherwise. */
static bool asked_for(const struct options *options, const struct method *peer)
{
	unsigned int i;

	for (i = 0; options->peers[i]; i++)
		if (options->peers[i] == peer)
			return true;
	return false;
}

/* Guests of these pages are multiples of this. */
static uint64_t granule(const struct memory_kind *kind)
{
	return kind->page_size <= SLOT_BYTES_2M ? GIB : SLOT_PAGES * kind->page_size;
}

static void scale_round(const struct options *options, int kvm_fd,
			struct entries *entries)
{
	unsigned int i, j, k;

	for (i = 0; options->memories[i]; i++)
		for (j = 0; j < sizeof(divisors) / sizeof(divisors[0]); j++) {
			uint64_t bytes = options->size / divisors[j];

			if (bytes % granule(options->memories[i]))
				continue;
			if (asked_for(options, &method_pre_fault))
				run(options->memories[i], &method_pre_fault, bytes,
				    1, kvm_fd, entries);
			if (!asked_for(options, &method_ioctl))
				continue;
			for (k = 0; k < options->nr_workers; k++)
				run(options->memories[i], &method_ioctl, bytes,
				    options->workers[k], kvm_fd, entries);
		}
}

static const struct metric instructions_per_entry = {
	.name = "instructions_per_entry",
	.title = "instructions an entry",
	.unit = "instructions",
	.better = BETTER_LOWER,
	.dividend = &metric_instructions,
	.divisor = &entries_made,
};

static const struct metric * const metrics[] = {
	&instructions_per_entry,
	&metric_instructions,
	&entries_made,
	&metric_seconds_median,
	&metric_seconds_spread,
	&metric_gib_per_second,
	&metric_secondary_page_table_bytes,
	NULL,
};

static const struct metric * const details[] = {
	&metric_instructions_per_page,
	NULL,
};

/* Of each size of huge entries, the kind that surely has them. */
static const struct scenario_part parts[] = {
	{
		.name = "scale",
		.instructions = true,
		.quick = { "--memory 5G --hugepages-2m 130 --hugepages-1g 1",
			   "--memory hugetlb-2m,hugetlb-1g --size 1T" },
	},
	{
		.name = "resident-scaling",
		.quick = { "--memory 2G",
			   "--memory 4k --workers 1,2 --size 16G" },
		.full = { "--memory 2G",
			  "--memory 4k --workers 1,2 --size 64G" },
	},
	{},
};

static const struct scenario scenario_scale = {
	.name = "scale",
	.title = "Guests up to a size",
	.summary = "their slots show the same pages again and again",
	.rows = "memory,peer,workers,bytes",
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = scale_round,
};

SCENARIO(scenario_scale);
