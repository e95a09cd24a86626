/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU that notes how long its access to each page took, and more memory of its
 * guest, for a job to map meanwhile.
 *
 * The guest's memory is, in this order: what the job maps, what the vCPU touches, and
 * where the vCPU writes down how long each page took.  Resident memory would be mapped
 * before the vCPU has got far, so it is shown by many memslots, and the job maps those.
 */
#ifndef RUNNING_VCPU_H
#define RUNNING_VCPU_H

#include <linux/kvm_map_memory.h>
#include "entry.h"
#include "guest.h"

#define TOUCHED_PAGES	512

struct running_vcpu {
	struct guest guest;
	uint64_t job_bytes;
	bool resident;
	uint64_t ticks[TOUCHED_PAGES];
};

/* Of a guest with job_bytes and resident as set. */
int running_vcpu_create(struct running_vcpu *vcpu, int kvm_fd, struct failure *failure);
void running_vcpu_destroy(struct running_vcpu *vcpu);
/* What a job beside it is to map. */
void running_vcpu_job(const struct running_vcpu *vcpu, struct kvm_memory_mapping *mapping);
/* Lets the vCPU touch its pages. */
int running_vcpu_touch(struct running_vcpu *vcpu, struct failure *failure);
/*
 * Adds the median and the 99th percentile of what a page took, and all of them
 * together, each under its layout; sorts the ticks.
 */
int running_vcpu_record(struct running_vcpu *vcpu, const struct entry *of,
			struct entries *entries, struct failure *failure);

#endif
