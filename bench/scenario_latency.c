// SPDX-License-Identifier: GPL-2.0
/*
 * How long a running vCPU's own faults take: alone, and beside a job that maps other
 * memory of the guest.
 */
#include <errno.h>
#include <string.h>
#include <liburing_kvm.h>
#include "running_vcpu.h"
#include "scenario.h"

#define RING_ENTRIES	4

/* *outlasted: whether the job was still running when the vCPU had finished. */
static int touch_beside_job(struct running_vcpu *vcpu, unsigned int workers,
			    bool *outlasted, struct failure *failure)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int ret, error;

	error = io_uring_queue_init(RING_ENTRIES, &ring, 0);
	if (error < 0)
		return fail_errno(failure, -error, "io_uring");
	running_vcpu_job(vcpu, &mapping);
	kvm_map_memory_batch_init(&batch, &mapping, 1, workers);
	io_uring_prep_cmd_kvm_map_memory(io_uring_get_sqe(&ring),
					 vcpu->guest.vm.fd, &batch);
	error = io_uring_submit(&ring);
	ret = running_vcpu_touch(vcpu, failure);
	*outlasted = error >= 0 && io_uring_peek_cqe(&ring, &cqe) < 0;
	if (error >= 0)
		error = io_uring_wait_cqe(&ring, &cqe);
	if (error >= 0)
		error = cqe->res;
	io_uring_queue_exit(&ring);
	if (error < 0)
		ret = fail_errno(failure, -error, "KVM_MAP_MEMORY_BATCH");
	return ret;
}

static void run(struct running_vcpu *vcpu, unsigned int workers, int kvm_fd,
		struct entries *entries)
{
	struct entry key = {
		.scenario = "latency",
		.peer = workers ? "uring" : "idle",
		.memory = "4k",
		.state = !workers ? NULL : vcpu->resident ? "resident" : "untouched",
		.layout = "median-fault",
		.workers = workers,
		.bytes = workers ? vcpu->job_bytes : 0,
	};
	struct failure failure = {};
	bool outlasted = true;
	int ret;

	ret = running_vcpu_create(vcpu, kvm_fd, &failure);
	if (!ret)
		ret = workers ? touch_beside_job(vcpu, workers, &outlasted, &failure) :
				running_vcpu_touch(vcpu, &failure);
	if (!ret && !outlasted)
		ret = fail_unavailable(&failure,
				       "the job ended before the vCPU did: ask for a larger --size");
	if (!ret)
		ret = running_vcpu_record(vcpu, &key, entries, &failure);
	running_vcpu_destroy(vcpu);
	if (ret < 0)
		scenario_failed(entries_get(entries, &key), &failure);
}

static void latency_round(const struct options *options, int kvm_fd,
			  struct entries *entries)
{
	static struct running_vcpu vcpu;
	unsigned int i;

	for (int resident = 0; resident < 2; resident++) {
		for (i = 0; i <= options->nr_workers; i++) {
			memset(&vcpu, 0, sizeof(vcpu));
			vcpu.job_bytes = options->size;
			vcpu.resident = resident;
			run(&vcpu, i ? options->workers[i - 1] : 0, kvm_fd, entries);
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
