// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU that counts the memory traffic of the sections that the emulated
 * machine's program marks, see ../mark.h: by instruction, the times it was executed,
 * loads, stores, atomic operations, cache lines that the section had not touched
 * before, misses of two simulated caches, and writes to lines that threads of that
 * section write in turn: to which one has come back after another.  The threads may
 * share a CPU, or change it.
 *
 * arguments: out=FILE, and l1=BYTES:WAYS, l2=BYTES:WAYS of each CPU
 *
 * FILE gets a JSON object a line, for each section that has ended:
 *
 *   {"section": N, "sites": [[ADDRESS, EXECUTED, LOADS, STORES, ATOMIC, LINES,
 *			       L1-MISSES, L2-MISSES, SHARED], ...],
 *    "lines": [[SHARED, ADDRESS], ...]}
 *
 * Its lines are those that have most shared writes, with the instruction that came last.
 * Sections are numbered from 1.  All CPUs have to take turns in one thread of QEMU,
 * so nothing here is locked.  Until the program tells that it begins, nothing is
 * instrumented: the machine boots at its usual speed.
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include "../mark.h"
#include "cache.h"
#include "qemu_plugin.h"

#define MAX_CPUS	64
#define MAX_HOT_LINES	64

/*
 * Linux has a stack in the kernel for each thread, and one for the interrupts of each
 * CPU, of such a size and alignment; but for entries from user mode there are small ones.
 */
#define STACK_SHIFT	14
#define KERNEL_START	(1ULL << 63)
#define ENTRY_START	0xfffffe0000000000ULL
#define ENTRY_END	0xfffffe8000000000ULL

QEMU_PLUGIN_EXPORT int qemu_plugin_version = 1;

/* An instruction; its counts are those of the section they were last changed in. */
struct site {
	uint64_t address;
	unsigned int section;
	bool atomic, of_stack;
	uint64_t executed, loads, stores, lines, l1_misses, l2_misses, shared;
};

struct line {
	unsigned int section;
	/* The last thread, a bit of 64 for each that there was, and whether one came back. */
	uint64_t writer, writers;
	bool shared;
	uint64_t nr_shared;
	const struct site *site;
};

static struct {
	FILE *out;
	const char *l1_text, *l2_text;
	unsigned int nr_cpus;
	struct cache l1[MAX_CPUS], l2[MAX_CPUS];
	/* The stack that the kernel used last: user mode leaves it to the same thread. */
	uint64_t thread[MAX_CPUS];
	/* By address, and by number of the line in physical memory. */
	GHashTable *sites, *lines;
	unsigned int section;
	bool counts;
} plugin = {
	.l1_text = "32768:8",
	.l2_text = "1048576:16",
};

static struct site *site_at(uint64_t address)
{
	struct site *site = g_hash_table_lookup(plugin.sites, &address);

	if (!site) {
		site = g_new0(struct site, 1);
		site->address = address;
		g_hash_table_insert(plugin.sites, &site->address, site);
	}
	return site;
}

/* The site with the counts of this section. */
static struct site *counted(struct site *site)
{
	if (site->section != plugin.section)
		*site = (struct site) {
			.address = site->address,
			.section = plugin.section,
			.atomic = site->atomic,
			.of_stack = site->of_stack,
		};
	return site;
}

static void count_line(struct site *site, unsigned int cpu, uint64_t number, bool store)
{
	struct line *line = g_hash_table_lookup(plugin.lines, (gpointer)number);
	uint64_t thread = plugin.thread[cpu];
	unsigned int i;

	if (!line) {
		line = g_new0(struct line, 1);
		g_hash_table_insert(plugin.lines, (gpointer)number, line);
	}
	if (line->section != plugin.section) {
		line->section = plugin.section;
		line->writer = 0;
		line->writers = 0;
		line->shared = false;
		line->nr_shared = 0;
		site->lines++;
	}
	if (!cache_access(&plugin.l1[cpu], number)) {
		site->l1_misses++;
		site->l2_misses += !cache_access(&plugin.l2[cpu], number);
	}
	if (!store)
		return;
	if (line->writer != thread) {
		line->shared |= !!(line->writers & 1ULL << thread % 64);
		line->writers |= 1ULL << thread % 64;
		line->writer = thread;
	}
	site->shared += line->shared;
	line->nr_shared += line->shared;
	line->site = site;
	for (i = 0; i < plugin.nr_cpus; i++) {
		if (i != cpu) {
			cache_invalidate(&plugin.l1[i], number);
			cache_invalidate(&plugin.l2[i], number);
		}
	}
}

static void executed(unsigned int cpu, void *data)
{
	(void)cpu;
	if (plugin.counts)
		counted(data)->executed++;
}

static void accessed(unsigned int cpu, uint32_t info, uint64_t address,
		     void *data)
{
	bool store = qemu_plugin_mem_is_store(info);
	struct qemu_plugin_hwaddr *hwaddr;
	uint64_t first, last;
	struct site *site;

	site = data;
	if (site->of_stack && address >= KERNEL_START &&
	    (address < ENTRY_START || address >= ENTRY_END))
		plugin.thread[cpu] = address >> STACK_SHIFT;
	if (!plugin.counts)
		return;
	site = counted(site);
	if (store)
		site->stores++;
	else
		site->loads++;
	hwaddr = qemu_plugin_get_hwaddr(info, address);
	if (!hwaddr || qemu_plugin_hwaddr_is_io(hwaddr))
		return;
	first = qemu_plugin_hwaddr_phys_addr(hwaddr);
	last = first + (1 << qemu_plugin_mem_size_shift(info)) - 1;
	count_line(site, cpu, first >> LINE_SHIFT, store);
	/* The one behind, unless that is on another page. */
	if (last >> LINE_SHIFT != first >> LINE_SHIFT && last >> 12 == first >> 12)
		count_line(site, cpu, last >> LINE_SHIFT, store);
}

static void print_site(gpointer key, gpointer value, gpointer data)
{
	const char **separator = data;
	const struct site *site = value;

	(void)key;
	if (site->section != plugin.section)
		return;
	fprintf(plugin.out, "%s[%lu, %lu, %lu, %lu, %lu, %lu, %lu, %lu, %lu]",
		*separator, site->address, site->executed, site->loads, site->stores,
		site->atomic ? site->executed : 0, site->lines, site->l1_misses,
		site->l2_misses, site->shared);
	*separator = ", ";
}

struct hot_lines {
	const struct line *lines[MAX_HOT_LINES];
	unsigned int nr;
};

/* Kept in order. */
static void find_hot_lines(gpointer key, gpointer value, gpointer data)
{
	const struct line *line = value;
	struct hot_lines *hot = data;
	unsigned int i;

	(void)key;
	if (line->section != plugin.section || !line->nr_shared)
		return;
	if (hot->nr == MAX_HOT_LINES) {
		if (hot->lines[hot->nr - 1]->nr_shared >= line->nr_shared)
			return;
		hot->nr--;
	}
	for (i = hot->nr++; i && hot->lines[i - 1]->nr_shared < line->nr_shared; i--)
		hot->lines[i] = hot->lines[i - 1];
	hot->lines[i] = line;
}

static void print_hot_lines(void)
{
	struct hot_lines hot = {};
	unsigned int i;

	g_hash_table_foreach(plugin.lines, find_hot_lines, &hot);
	for (i = 0; i < hot.nr; i++)
		fprintf(plugin.out, "%s[%lu, %lu]", i ? ", " : "",
			hot.lines[i]->nr_shared, hot.lines[i]->site->address);
}

static void section_begins(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	plugin.section++;
	plugin.counts = true;
}

static void section_ends(unsigned int cpu, void *data)
{
	const char *separator = "";

	(void)cpu;
	(void)data;
	if (!plugin.counts)
		return;
	plugin.counts = false;
	fprintf(plugin.out, "{\"section\": %u, \"sites\": [", plugin.section);
	g_hash_table_foreach(plugin.sites, print_site, &separator);
	fputs("], \"lines\": [", plugin.out);
	print_hot_lines();
	fputs("]}\n", plugin.out);
	fflush(plugin.out);
}

/* The number of a mark, or 0. */
static uint32_t mark_of(const struct qemu_plugin_insn *insn)
{
	static const unsigned char code[] = { 0x0f, 0x1f, 0x84, 0x00 };
	const unsigned char *data = qemu_plugin_insn_data(insn);
	uint32_t number;

	if (qemu_plugin_insn_size(insn) != sizeof(code) + sizeof(number) ||
	    memcmp(data, code, sizeof(code)))
		return 0;
	memcpy(&number, data + sizeof(code), sizeof(number));
	return number;
}

/* A prefix lock, or an exchange with memory, which needs none. */
static bool is_atomic(const struct qemu_plugin_insn *insn)
{
	const unsigned char *data = qemu_plugin_insn_data(insn);
	size_t size = qemu_plugin_insn_size(insn), i;

	for (i = 0; i < size; i++) {
		if (data[i] == 0xf0)
			return true;
		if (data[i] != 0x66 && data[i] != 0xf2 && data[i] != 0xf3 &&
		    data[i] != 0x65 && (data[i] & 0xf0) != 0x40)
			break;
	}
	return i + 1 < size && (data[i] == 0x86 || data[i] == 0x87) &&
	       data[i + 1] < 0xc0;
}

/*
 * A call, a return, or what puts a register or a constant on the stack or takes it: all
 * that touches nothing but the stack.
 */
static bool is_of_stack(const struct qemu_plugin_insn *insn)
{
	const unsigned char *data = qemu_plugin_insn_data(insn);
	size_t size = qemu_plugin_insn_size(insn), i = 0;

	while (i < size && (data[i] == 0x66 || data[i] == 0x2e || data[i] == 0x3e ||
			    data[i] == 0xf3 || (data[i] & 0xf0) == 0x40))
		i++;
	if (i == size)
		return false;
	return (data[i] & 0xf0) == 0x50 || data[i] == 0xe8 || data[i] == 0x68 ||
	       data[i] == 0x6a || data[i] == 0x9c || data[i] == 0x9d ||
	       data[i] == 0xc2 || data[i] == 0xc3 || data[i] == 0xc9;
}

static void instrument(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, nr = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;
	struct site *site;

	(void)id;
	for (i = 0; i < nr; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		switch (mark_of(insn)) {
		case MARK_BEGIN:
			qemu_plugin_register_vcpu_insn_exec_cb(insn, section_begins,
							       QEMU_PLUGIN_CB_NO_REGS,
							       NULL);
			break;
		case MARK_END:
			qemu_plugin_register_vcpu_insn_exec_cb(insn, section_ends,
							       QEMU_PLUGIN_CB_NO_REGS,
							       NULL);
			break;
		default:
			site = site_at(qemu_plugin_insn_vaddr(insn));
			site->atomic = is_atomic(insn);
			site->of_stack = is_of_stack(insn);
			qemu_plugin_register_vcpu_insn_exec_cb(insn, executed,
							       QEMU_PLUGIN_CB_NO_REGS,
							       site);
			qemu_plugin_register_vcpu_mem_cb(insn, accessed,
							 QEMU_PLUGIN_CB_NO_REGS,
							 QEMU_PLUGIN_MEM_RW, site);
		}
	}
}

/* All that was translated before is translated again. */
static void program_has_begun(uint64_t id)
{
	qemu_plugin_register_vcpu_tb_trans_cb(id, instrument);
}

static void program_begins(unsigned int cpu, void *data)
{
	static bool begun;

	(void)cpu;
	if (!begun)
		qemu_plugin_reset((uint64_t)data, program_has_begun);
	begun = true;
}

static void look_for_program(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, nr = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;

	for (i = 0; i < nr; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (mark_of(insn) == MARK_PROGRAM)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, program_begins,
							       QEMU_PLUGIN_CB_NO_REGS,
							       (void *)id);
	}
}

static bool take_argument(const char *argument)
{
	if (g_str_has_prefix(argument, "out="))
		plugin.out = fopen(argument + 4, "w");
	else if (g_str_has_prefix(argument, "l1="))
		plugin.l1_text = argument + 3;
	else if (g_str_has_prefix(argument, "l2="))
		plugin.l2_text = argument + 3;
	else
		return false;
	return true;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info,
					   int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!take_argument(argv[i])) {
			fprintf(stderr, "traffic: no argument %s\n", argv[i]);
			return -1;
		}
	}
	plugin.nr_cpus = info->system.smp_vcpus;
	if (!plugin.out || plugin.nr_cpus > MAX_CPUS) {
		fprintf(stderr, "traffic: needs a file to write, and at most %d CPUs\n",
			MAX_CPUS);
		return -1;
	}
	for (i = 0; i < info->system.smp_vcpus; i++) {
		if (!cache_init(&plugin.l1[i], plugin.l1_text) ||
		    !cache_init(&plugin.l2[i], plugin.l2_text)) {
			fprintf(stderr, "traffic: no caches l1=%s, l2=%s\n",
				plugin.l1_text, plugin.l2_text);
			return -1;
		}
	}
	plugin.sites = g_hash_table_new(g_int64_hash, g_int64_equal);
	plugin.lines = g_hash_table_new(NULL, NULL);
	qemu_plugin_register_vcpu_tb_trans_cb(id, look_for_program);
	return 0;
}
