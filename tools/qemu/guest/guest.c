// SPDX-License-Identifier: GPL-2.0
/*
 * A guest for tests of a VMM.  It is loaded by PVH, says "ready" on the first serial
 * port, and obeys commands of one letter that it reads there:
 *
 *   w  writes a word to every page of memory
 *   f  writes every word of memory, for 'v' and 'l'
 *   v  reads every word, and compares it with what was written
 *   l  does both until the next letter arrives
 *   m  writes a word to every page of the first half of memory
 *   s  does so with the first sixteenth
 *   c  does as 'w' until the next letter arrives, and writes lines of three characters
 *      meanwhile: the pages since the last one, in base 64 from '0' on
 *   r  does as 'c', and reads a word of every page in place of writing one
 *   p  has virtio-mem plug or unplug what the host requests; plugged memory is memory
 *      for the other commands
 *   b  inflates or deflates the balloon to what the host requests; pages in it are not
 *      memory for the other commands
 *   e  waits for a DIMM in the first slot, and ejects it
 *
 * and answers with a line: the letter, the passes, the pages of a pass, the words that
 * were wrong, the ticks of the TSC that all passes and the longest time between two
 * pages took.  Of 'p' and 'b' the pages are those that are plugged, or in the balloon,
 * and what is wrong is a request that was refused.
 *
 * Memory is the RAM in the start info's map above the guest's own, and no DIMM.
 */
#include "virtio.h"

#define PAGE_WORDS	(PAGE / sizeof(u64))
#define COM1		0x3f8
#define TYPE_RAM	1
/* Of the TSC, between two looks at the port: some milliseconds. */
#define POLL_TICKS	10000000UL
/* Of the TSC, between two of the lines. */
#define SAMPLE_TICKS	20000000UL
#define MAX_RANGES	16
/* virtio-mem has the first range, the balloon gets its pages from the second. */
#define PLUGGED		0
#define BOOT		1
/* The ports of memory hotplug that QEMU's q35 has, with the first slot selected. */
#define DIMM_SLOT	0xa00
#define DIMM_CONTROL	0xa14
#define DIMM_ENABLED	1
#define DIMM_EJECT	8

struct start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modules;
	u64 cmdline;
	u64 rsdp;
	u64 memmap;
	u32 nr_memmap;
	u32 reserved;
};

struct memmap_entry {
	u64 address;
	u64 size;
	u32 type;
	u32 reserved;
};

struct result {
	u64 passes;
	u64 pages;
	u64 wrong;
	u64 ticks;
	u64 longest;
};

static struct range ranges[MAX_RANGES];
static unsigned int nr_ranges = BOOT;
static u64 generation;
static u64 last_tick;
static u64 sample_tick;
static u64 sample_pages;

static inline u64 tsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

static void put(char c)
{
	while (!(in(COM1 + 5) & 0x20))
		;
	out(COM1, c);
}

static void put_text(const char *text)
{
	while (*text)
		put(*text++);
}

static void put_number(u64 number)
{
	char digits[20];
	int nr = 0;

	do {
		digits[nr++] = '0' + number % 10;
		number /= 10;
	} while (number);
	put(' ');
	while (nr)
		put(digits[--nr]);
}

static int has_command(void)
{
	return in(COM1 + 5) & 1;
}

/*
 * A look at a port is an exit to the VMM, which takes its global lock for it: without
 * a pause between them its other threads would hardly get the lock.
 */
static void pause_polling(void)
{
	u64 start = tsc();

	while (tsc() - start < POLL_TICKS)
		;
}

static char wait_for_command(void)
{
	while (!has_command())
		pause_polling();
	return in(COM1);
}

static int has_dimm(void)
{
	return in(DIMM_CONTROL) & DIMM_ENABLED;
}

static void eject(void)
{
	out(DIMM_SLOT, 0);
	while (!has_dimm())
		pause_polling();
	out(DIMM_CONTROL, DIMM_EJECT);
	while (has_dimm())
		pause_polling();
}

static void find_memory(const struct start_info *info)
{
	const struct memmap_entry *entry = (void *)info->memmap;
	u64 first = ((u64)guest_end + PAGE - 1) & -PAGE;
	u32 i;

	for (i = 0; i < info->nr_memmap && nr_ranges < MAX_RANGES; i++) {
		struct range range = {
			.start = entry[i].address,
			.end = (entry[i].address + entry[i].size) & -PAGE,
		};

		if (range.start < first)
			range.start = first;
		if (entry[i].type == TYPE_RAM && range.start < range.end)
			ranges[nr_ranges++] = range;
	}
}

static void note_time(struct result *result)
{
	u64 now = tsc();

	if (now - last_tick > result->longest)
		result->longest = now - last_tick;
	last_tick = now;
	result->pages++;
}

static u64 value_of(const u64 *word)
{
	return (u64)word * 0x9e3779b97f4a7c15 + generation;
}

static void touch(u64 *page, struct result *result)
{
	page[0] = value_of(page);
	note_time(result);
}

static void fill(u64 *page, struct result *result)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		page[i] = value_of(&page[i]);
	note_time(result);
}

static void verify(u64 *page, struct result *result)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		if (page[i] != value_of(&page[i]))
			result->wrong++;
	note_time(result);
}

static void walk(void (*visit)(u64 *page, struct result *result),
		 struct result *result, unsigned int divisor)
{
	unsigned int i;
	u64 page, end;

	for (i = 0; i < nr_ranges; i++) {
		end = ranges[i].start + (ranges[i].end - ranges[i].start) / divisor;
		for (page = ranges[i].start; page < end; page += PAGE)
			visit((u64 *)page, result);
	}
	result->passes++;
}

/* Memory that was never written is verified against the same generation later. */
static void loop(struct result *result)
{
	do {
		walk(verify, result, 1);
		generation++;
		walk(fill, result, 1);
	} while (!has_command());
}

static void put_sample(u64 pages)
{
	int shift;

	for (shift = 12; shift >= 0; shift -= 6)
		put('0' + (pages >> shift & 63));
	put('\n');
}

static void count_sample(void)
{
	sample_pages++;
	if (last_tick - sample_tick < SAMPLE_TICKS)
		return;
	put_sample(sample_pages);
	sample_pages = 0;
	sample_tick = tsc();
}

static void touch_sample(u64 *page, struct result *result)
{
	touch(page, result);
	count_sample();
}

static void read_sample(u64 *page, struct result *result)
{
	*(volatile u64 *)page;
	note_time(result);
	count_sample();
}

static void curve(void (*visit)(u64 *page, struct result *result),
		  struct result *result)
{
	sample_pages = 0;
	sample_tick = tsc();
	do {
		walk(visit, result, 1);
	} while (!has_command());
}

static int obey(char command, struct result *result)
{
	switch (command) {
	case 'w':
		walk(touch, result, 1);
		break;
	case 'm':
		walk(touch, result, 2);
		break;
	case 's':
		walk(touch, result, 16);
		break;
	case 'f':
		generation++;
		walk(fill, result, 1);
		break;
	case 'v':
		walk(verify, result, 1);
		break;
	case 'l':
		loop(result);
		break;
	case 'c':
		curve(touch_sample, result);
		break;
	case 'r':
		curve(read_sample, result);
		break;
	case 'p':
		result->wrong = plug(&ranges[PLUGGED]);
		result->pages = (ranges[PLUGGED].end - ranges[PLUGGED].start) / PAGE;
		break;
	case 'b':
		result->pages = balloon(&ranges[BOOT]);
		break;
	case 'e':
		eject();
		break;
	default:
		return 0;
	}
	return 1;
}

static void report(char command, const struct result *result)
{
	put(command);
	put_number(result->passes);
	put_number(result->pages / (result->passes ? result->passes : 1));
	put_number(result->wrong);
	put_number(result->ticks);
	put_number(result->longest);
	put('\n');
}

void guest_main(const struct start_info *info)
{
	char command;

	find_memory(info);
	put_text("ready\n");
	for (;;) {
		struct result result = { 0 };

		command = wait_for_command();
		last_tick = tsc();
		result.ticks = last_tick;
		if (!obey(command, &result))
			continue;
		result.ticks = last_tick - result.ticks;
		report(command, &result);
	}
}
