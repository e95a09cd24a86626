// SPDX-License-Identifier: GPL-2.0
/*
 * How long io_uring_submit() keeps the thread that hands a batch in, and how
 * long the whole takes, for pages that are mapped already; and for pages that are in
 * memory and asked for with KVM_MEMORY_MAPPING_RESIDENT.
 */
#include <string.h>
#include "clock.h"
#include "scenario.h"
#include "section.h"
#include "trial.h"
#include "vector.h"

#define RING_ENTRIES	4
#define WARM_SUBMITS	3
#define SUBMITS		16

struct submit_times {
	double submit;
	double total;
};

static int submit_once(struct io_uring *ring, struct vector *vector,
		       struct submit_times *times, struct failure *failure)
{
	struct kvm_map_memory_batch batch;
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	double start;
	int ret;

	kvm_map_memory_batch_init(&batch, vector->ranges, vector->nr, 1);
	io_uring_prep_cmd_kvm_map_memory(sqe, vector->guest->vm.fd, &batch);
	start = section_begin();
	ret = io_uring_submit(ring);
	times->submit = clock_seconds() - start;
	if (ret >= 0)
		ret = io_uring_wait_cqe(ring, &cqe);
	times->total = section_end(start);
	if (ret < 0)
		return fail(failure, "io_uring: %s", strerror(-ret));
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	if (ret < 0)
		return fail(failure, "KVM_MAP_MEMORY_BATCH: %s",
			    strerror(-ret));
	return 0;
}

/* Which pages a batch has, and how it asks for them. */
struct submission {
	unsigned int nr;
	uint64_t flags;
	/* From the pages of a batch to those of the next. */
	uint64_t stride;
};

static int submit(struct io_uring *ring, struct guest *guest,
		  const struct submission *what, unsigned int number,
		  struct submit_times *times, struct failure *failure)
{
	struct vector vector;
	unsigned int i;
	int ret;

	/* A vector that was used is in/out: each submit has a new one. */
	if (vector_create(&vector, guest, what->nr, PAGE_SIZE, PAGE_SIZE,
			  failure) < 0)
		return -1;
	for (i = 0; i < what->nr; i++) {
		vector.ranges[i].base_address += number * what->stride;
		vector.ranges[i].flags = what->flags;
	}
	ret = submit_once(ring, &vector, times, failure);
	vector_destroy(&vector);
	return ret;
}

static int run_submits(struct guest *guest, const struct submission *what,
		       struct entry *entry, struct entry *whole,
		       struct failure *failure)
{
	struct submit_times times;
	struct io_uring ring;
	int ret, i;

	ret = io_uring_queue_init(RING_ENTRIES, &ring, 0);
	if (ret < 0)
		return fail_errno(failure, -ret, "io_uring");
	for (i = 0; i < WARM_SUBMITS + SUBMITS && !ret; i++) {
		ret = submit(&ring, guest, what, i, &times, failure);
		if (ret < 0 || i < WARM_SUBMITS)
			continue;
		entry_add_sample(entry, times.submit);
		entry_add_sample(whole, times.total);
	}
	io_uring_queue_exit(&ring);
	return ret;
}

static void run(const struct submission *what, struct entry *key, int kvm_fd,
		struct entries *entries)
{
	uint64_t bytes = what->nr * PAGE_SIZE +
			 (WARM_SUBMITS + SUBMITS - 1) * what->stride;
	struct failure failure = {};
	struct entry *entry, *whole;
	struct guest guest;
	int ret;

	key->peer = "uring-submit";
	entries_get(entries, key);
	key->peer = "uring-submit-to-completion";
	whole = entries_get(entries, key);
	key->peer = "uring-submit";
	entry = entries_get(entries, key);
	ret = guest_create(&guest, kvm_fd, memory_kind_find("4k"), bytes,
			   &failure);
	if (!ret && what->flags)
		memset(guest.memory.host, 1, bytes);
	if (!ret)
		ret = run_submits(&guest, what, entry, whole, &failure);
	guest_destroy(&guest);
	if (ret < 0)
		scenario_failed(entry, &failure);
}

static void submit_round(const struct options *options, int kvm_fd,
			 struct entries *entries)
{
	static const struct {
		unsigned int nr;
		const char *layout;
	} counts[] = {
		{ 1, "1-range" },
		{ 16, "16-ranges" },
		{ 64, "64-ranges" },
		{ 1024, "1024-ranges" },
	};
	unsigned int i;

	(void)options;
	for (int resident = 0; resident < 2; resident++) {
		for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
			struct submission what = { .nr = counts[i].nr };
			struct entry key = {
				.scenario = "submit",
				.memory = "4k",
				.state = resident ? "resident" : "mapped",
				.layout = counts[i].layout,
				.workers = 1,
				.bytes = what.nr * PAGE_SIZE,
				.pages = what.nr,
			};

			if (resident) {
				what.flags = KVM_MEMORY_MAPPING_RESIDENT;
				what.stride = key.bytes;
			}
			run(&what, &key, kvm_fd, entries);
		}
	}
}

static const struct metric * const metrics[] = {
	&metric_instructions,
	&metric_seconds_median,
	&metric_seconds_spread,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "submit",
		.instructions = true,
		.quick = { "--memory 2G", "" },
	},
	{
		.name = "submit",
		.quick = { "--memory 2G", "" },
	},
	{},
};

static const struct scenario scenario_submit = {
	.name = "submit",
	.title = "Submitting a batch",
	.summary = "io_uring_submit() alone, and until completion",
	.tables = "state",
	.rows = "peer,layout",
	.no_picture = true,
	.metrics = metrics,
	.parts = parts,
	.round = submit_round,
};

SCENARIO(scenario_submit);
