// SPDX-License-Identifier: GPL-2.0
/*
 * How long a running vCPU's own faults take: alone, and beside a job that maps
 * other memory of the guest.
 *
 * The guest's memory is, in this order: what the job maps, what the vCPU
 * touches, and where the vCPU writes down how long each page took.  Resident
 * memory would be mapped before the vCPU has got far, so it is shown by many
 * memslots, and the job maps those.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <liburing_kvm.h>
#include "kvm.h"
#include "latency_program.h"
#include "scenario.h"
#include "trial.h"
#include "units.h"

#define RING_ENTRIES	4
#define ALIAS_BASE	(64 * GIB)
#define NR_ALIASES	16
#define TOUCHED_PAGES	512
#define TOUCHED_BYTES	(TOUCHED_PAGES * PAGE_SIZE)
#define TIMES_BYTES	(TOUCHED_PAGES * sizeof(uint64_t))
/* Room that guest_run() leaves. */
#define PROGRAM_OFFSET	(PAGE_SIZE / 2)

struct latency {
	struct guest guest;
	uint64_t job_bytes;
	/* 0 for no job. */
	unsigned int workers;
	bool resident;
	/* Whether the job was still running when the vCPU had finished. */
	bool outlasted;
	uint64_t ticks[TOUCHED_PAGES];
};

static uint8_t *touched_host(const struct latency *latency)
{
	return latency->guest.memory.host + latency->job_bytes;
}

static int map_times(struct latency *latency, struct failure *failure)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	int ret;

	kvm_memory_mapping_init(&mapping, GUEST_MEMORY_BASE +
				latency->job_bytes + TOUCHED_BYTES,
				TIMES_BYTES, 0);
	kvm_map_memory_batch_init(&batch, &mapping, 1, 1);
	ret = kvm_map_memory_batch_run(latency->guest.vm.fd, &batch);
	if (ret < 0)
		return fail_errno(failure, -ret, "KVM_MAP_MEMORY_BATCH");
	return trial_map_program(&latency->guest, failure);
}

static int show_often(struct latency *latency, struct failure *failure)
{
	unsigned int i;

	for (i = 0; i < NR_ALIASES; i++)
		if (vm_add_memory(&latency->guest.vm,
				  ALIAS_BASE + i * latency->job_bytes,
				  latency->guest.memory.host,
				  latency->job_bytes, failure) < 0)
			return -1;
	return 0;
}

static int set_up(struct latency *latency, int kvm_fd, struct failure *failure)
{
	struct guest *guest = &latency->guest;

	if (guest_create(guest, kvm_fd, memory_kind_find("4k"),
			 latency->job_bytes + TOUCHED_BYTES + TIMES_BYTES,
			 failure) < 0)
		return -1;
	memcpy(guest->program.host + PROGRAM_OFFSET, latency_program,
	       latency_program_end - latency_program);
	if (latency->resident &&
	    (memory_populate(guest->memory.host, latency->job_bytes,
			     failure) < 0 ||
	     show_often(latency, failure) < 0))
		return -1;
	/* The time is that of KVM's fault, not of the zeroing of memory. */
	if (memory_populate(touched_host(latency), TOUCHED_BYTES, failure) < 0)
		return -1;
	if (vm_create_vcpus(&guest->vm, 1, failure) < 0)
		return -1;
	return map_times(latency, failure);
}

static int touch(struct latency *latency, struct failure *failure)
{
	uint64_t base = GUEST_MEMORY_BASE + latency->job_bytes;
	const struct kvm_regs registers = {
		.rip = PROGRAM_OFFSET,
		.rdi = base,
		.rsi = base + TOUCHED_BYTES,
		.r8 = base + TOUCHED_BYTES,
	};

	if (guest_run(&latency->guest, 0, &registers, failure) < 0)
		return -1;
	memcpy(latency->ticks, touched_host(latency) + TOUCHED_BYTES,
	       sizeof(latency->ticks));
	return 0;
}

static int touch_beside_job(struct latency *latency, struct failure *failure)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int ret, error;

	error = io_uring_queue_init(RING_ENTRIES, &ring, 0);
	if (error < 0)
		return fail_errno(failure, -error, "io_uring");
	if (latency->resident)
		kvm_memory_mapping_init(&mapping, ALIAS_BASE,
					NR_ALIASES * latency->job_bytes, 0);
	else
		kvm_memory_mapping_init(&mapping, GUEST_MEMORY_BASE,
					latency->job_bytes, 0);
	kvm_map_memory_batch_init(&batch, &mapping, 1, latency->workers);
	io_uring_prep_cmd_kvm_map_memory(io_uring_get_sqe(&ring),
					 latency->guest.vm.fd, &batch);
	error = io_uring_submit(&ring);
	ret = touch(latency, failure);
	latency->outlasted = error >= 0 && io_uring_peek_cqe(&ring, &cqe) < 0;
	if (error >= 0)
		error = io_uring_wait_cqe(&ring, &cqe);
	if (error >= 0)
		error = cqe->res;
	io_uring_queue_exit(&ring);
	if (error < 0)
		ret = fail_errno(failure, -error, "KVM_MAP_MEMORY_BATCH");
	return ret;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void record(struct latency *latency, const struct entry *of,
		   int tsc_khz, struct entries *entries)
{
	double per_tick = 0.001 / tsc_khz;
	struct entry key = *of;

	qsort(latency->ticks, TOUCHED_PAGES, sizeof(latency->ticks[0]),
	      compare);
	key.layout = "median-fault";
	entry_add_sample(entries_get(entries, &key),
			 latency->ticks[TOUCHED_PAGES / 2] * per_tick);
	key.layout = "p99-fault";
	entry_add_sample(entries_get(entries, &key),
			 latency->ticks[TOUCHED_PAGES * 99 / 100] * per_tick);
}

static void run(struct latency *latency, int kvm_fd, struct entries *entries)
{
	struct entry key = {
		.scenario = "latency",
		.peer = latency->workers ? "uring" : "idle",
		.memory = "4k",
		.state = !latency->workers ? NULL :
			 latency->resident ? "resident" : "untouched",
		.layout = "median-fault",
		.workers = latency->workers,
		.bytes = latency->workers ? latency->job_bytes : 0,
	};
	struct failure failure = {};
	int ret, tsc_khz = 0;

	ret = set_up(latency, kvm_fd, &failure);
	if (!ret) {
		tsc_khz = ioctl(latency->guest.vm.vcpus[0].fd,
				KVM_GET_TSC_KHZ, 0);
		if (tsc_khz <= 0)
			ret = fail(&failure, "the guest's TSC has no frequency");
	}
	if (!ret)
		ret = latency->workers ? touch_beside_job(latency, &failure) :
					 touch(latency, &failure);
	guest_destroy(&latency->guest);
	if (!ret && latency->workers && !latency->outlasted)
		ret = fail_unavailable(&failure,
				       "the job ended before the vCPU did: ask for a larger --size");
	if (ret < 0)
		scenario_failed(entries_get(entries, &key), &failure);
	else
		record(latency, &key, tsc_khz, entries);
}

static void latency_round(const struct options *options, int kvm_fd,
			  struct entries *entries)
{
	static struct latency latency;
	unsigned int i;

	for (int resident = 0; resident < 2; resident++) {
		for (i = 0; i <= options->nr_workers; i++) {
			memset(&latency, 0, sizeof(latency));
			latency.job_bytes = options->size;
			latency.workers = i ? options->workers[i - 1] : 0;
			latency.resident = resident;
			run(&latency, kvm_fd, entries);
		}
	}
}

static const struct metric * const metrics[] = {
	&metric_seconds_median,
	&metric_seconds_spread,
	NULL,
};

static const struct metric * const details[] = {
	&metric_instructions,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "latency",
		.quick = { "--memory 2G", "--workers 1,2 --size 512M" },
		.full = { "--memory 2G", "--workers 1,2 --size 1G" },
	},
	{},
};

static const struct scenario scenario_latency = {
	.name = "latency",
	.title = "Faults of a running vCPU",
	.summary = "on memory that is there, alone and beside a job",
	.rows = "peer,state,layout,workers",
	.no_picture = true,
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = latency_round,
};

SCENARIO(scenario_latency);
