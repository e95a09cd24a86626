// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is bound to the NUMA nodes of the host, an equal part to each, as that of
 * a guest with nodes of its own: how much of it a thread of another node has zeroed.
 * KVM's page tables are counted with it.
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "scenario.h"
#include "section.h"
#include "vector.h"

#define NODES		"/sys/devices/system/node"
#define MAX_NODES	64

static const struct metric remote_share = {
	.name = "remote_percent",
	.title = "allocated from another node, %",
	.unit = "percent",
	.better = BETTER_LOWER,
};

static const struct metric nodes_metric = {
	.name = "nodes",
	.title = "nodes",
	.unit = "nodes",
};

static unsigned int count_nodes(void)
{
	unsigned int nr;
	char path[64];

	for (nr = 0; nr < MAX_NODES; nr++) {
		snprintf(path, sizeof(path), NODES "/node%u", nr);
		if (access(path, F_OK))
			break;
	}
	return nr;
}

/* Pages of all nodes that threads of the same node, and of others, have allocated. */
struct allocations {
	uint64_t local;
	uint64_t remote;
};

static int read_node(unsigned int node, struct allocations *sum,
		     struct failure *failure)
{
	char path[64], name[32];
	uint64_t value;
	FILE *file;

	snprintf(path, sizeof(path), NODES "/node%u/numastat", node);
	file = fopen(path, "r");
	if (!file)
		return fail_errno(failure, errno, path);
	while (fscanf(file, "%31s %lu", name, &value) == 2) {
		if (!strcmp(name, "local_node"))
			sum->local += value;
		else if (!strcmp(name, "other_node"))
			sum->remote += value;
	}
	fclose(file);
	return 0;
}

static int read_nodes(unsigned int nodes, struct allocations *sum,
		      struct failure *failure)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < nodes; i++)
		if (read_node(i, sum, failure) < 0)
			return -1;
	return 0;
}

static int bind_parts(const struct guest *guest, unsigned int nodes,
		      struct failure *failure)
{
	uint64_t part = guest->memory.bytes / nodes;
	unsigned long mask;
	unsigned int i;

	for (i = 0; i < nodes; i++) {
		mask = 1UL << i;
		if (syscall(__NR_mbind, guest->memory.host + i * part, part,
			    MPOL_BIND, &mask, MAX_NODES + 1, 0))
			return fail_errno(failure, errno, "mbind");
	}
	return 0;
}

/* A thread that touches a part, wherever the scheduler has it run. */
struct toucher {
	pthread_t thread;
	uint8_t *start;
	uint64_t bytes;
};

static void *touch(void *argument)
{
	struct toucher *toucher = argument;
	uint64_t offset;

	for (offset = 0; offset < toucher->bytes; offset += PAGE_SIZE)
		toucher->start[offset] = 1;
	return NULL;
}

static int touch_parts(struct guest *guest, unsigned int nodes,
		       struct failure *failure)
{
	struct toucher touchers[MAX_NODES];
	uint64_t part = guest->memory.bytes / nodes;
	unsigned int i;
	int error = 0;

	for (i = 0; i < nodes && !error; i++) {
		touchers[i].start = guest->memory.host + i * part;
		touchers[i].bytes = part;
		error = pthread_create(&touchers[i].thread, NULL, touch,
				       &touchers[i]);
	}
	if (error)
		i--;
	while (i)
		pthread_join(touchers[--i].thread, NULL);
	return error ? fail_errno(failure, error, "thread") : 0;
}

static int map_parts(struct guest *guest, unsigned int nodes, unsigned int ranges,
		     struct failure *failure)
{
	uint64_t part = guest->memory.bytes / ranges;
	struct vector vector;
	int ret;

	ret = vector_create(&vector, guest, ranges, part, part, failure);
	if (ret < 0)
		return ret;
	vector.workers = nodes;
	ret = vector_ioctl.prepare(&vector, failure);
	vector_destroy(&vector);
	return ret;
}

/* Ranges of a batch; 0: threads of the VMM touch the parts, and nothing is mapped. */
static int measure(struct guest *guest, unsigned int nodes, unsigned int ranges,
		   struct entry *entry, struct failure *failure)
{
	struct allocations before, after;
	double start, seconds;
	uint64_t remote, all;
	int ret;

	if (bind_parts(guest, nodes, failure) < 0 ||
	    read_nodes(nodes, &before, failure) < 0)
		return -1;
	start = section_begin();
	if (ranges)
		ret = map_parts(guest, nodes, ranges, failure);
	else
		ret = touch_parts(guest, nodes, failure);
	seconds = section_end(start);
	if (ret < 0 || read_nodes(nodes, &after, failure) < 0)
		return -1;
	remote = after.remote - before.remote;
	all = remote + after.local - before.local;
	entry_add_sample(entry, seconds);
	entry_set_figure(entry, &remote_share, all ? 100.0 * remote / all : 0);
	entry_set_figure(entry, &nodes_metric, nodes);
	return 0;
}

static void run(const char *peer, const char *layout, unsigned int ranges,
		unsigned int nodes, const struct options *options, int kvm_fd,
		struct entries *entries)
{
	const struct entry key = {
		.scenario = "nodes",
		.peer = peer,
		.memory = "4k",
		.state = "untouched",
		.layout = layout,
		.workers = nodes,
		.bytes = options->size,
		.pages = options->size / PAGE_SIZE,
	};
	struct entry *entry = entries_get(entries, &key);
	struct failure failure = {};
	struct guest guest;
	int ret;

	ret = guest_create(&guest, kvm_fd, memory_kind_find("4k"), key.bytes,
			   &failure);
	if (!ret)
		ret = measure(&guest, nodes, ranges, entry, &failure);
	guest_destroy(&guest);
	if (ret < 0)
		scenario_failed(entry, &failure);
}

static void nodes_round(const struct options *options, int kvm_fd,
			struct entries *entries)
{
	unsigned int nodes = count_nodes();

	run("touch", "thread-per-node", 0, nodes, options, kvm_fd, entries);
	run("ioctl", "one-range", 1, nodes, options, kvm_fd, entries);
	run("ioctl", "range-per-node", nodes, nodes, options, kvm_fd, entries);
}

static const struct metric * const metrics[] = {
	&remote_share,
	&metric_seconds_median,
	&nodes_metric,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "two-nodes",
		.quick = {
			"--memory 2G --cpus 2 --numa 2 --append numa_balancing=disable",
			"--size 128M"
		},
	},
	{
		.name = "four-nodes",
		.quick = {
			"--memory 2G --cpus 4 --numa 4 --append numa_balancing=disable",
			"--size 128M"
		},
	},
	{},
};

static const struct scenario scenario_nodes = {
	.name = "nodes",
	.title = "NUMA nodes",
	.summary = "memory bound to them, and the threads that zero it",
	.tables = "workers",
	.rows = "peer,layout",
	.no_picture = true,
	.metrics = metrics,
	.parts = parts,
	.round = nodes_round,
};

SCENARIO(scenario_nodes);
