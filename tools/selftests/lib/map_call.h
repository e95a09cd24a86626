/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One range by any of the calls that map, so that a test can put the same
 * question to all of them.
 */
#ifndef SELFTESTS_MAP_CALL_H
#define SELFTESTS_MAP_CALL_H

#include "map_job.h"

enum map_call_kind {
	CALL_PRE_FAULT,		/* KVM_PRE_FAULT_MEMORY */
	CALL_VCPU,		/* KVM_MAP_MEMORY */
	CALL_IOCTL,		/* KVM_MAP_MEMORY_BATCH */
	CALL_URING,
};

struct map_call {
	enum map_call_kind kind;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;			/* of the first two */
	uint32_t workers;			/* of the last two */
	/* In and out. */
	struct kvm_memory_mapping mapping;
	/* Out: 0, or a negative errno. */
	int result;
	/* Out, of the last two. */
	struct kvm_map_memory_batch batch;

	pthread_t thread;
	bool ended;
};

/* Asserts that what is left is the end of what was asked for. */
int map_call_run(struct map_call *call, uint64_t gpa, uint64_t size, uint64_t flags);

/* The same in a thread of its own. */
void map_call_start(struct map_call *call, uint64_t gpa, uint64_t size,
		    uint64_t flags);
bool map_call_ended(struct map_call *call);
/* Milliseconds that its thread has spent on a CPU. */
uint64_t map_call_cpu_ms(struct map_call *call);
/* Its result; fails the test when it does not end in time. */
int map_call_join(struct map_call *call);

/* All is done; a batch has reported @mapped and @present bytes. */
void assert_call_done(const struct map_call *call, uint64_t mapped,
		      uint64_t present);

#endif /* SELFTESTS_MAP_CALL_H */
