/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VMM that dies, or loses what its jobs need, at a random moment: one round of
 * map_memory_death_stress_test.c.
 */
#ifndef SELFTESTS_DOOMED_VMM_H
#define SELFTESTS_DOOMED_VMM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "map_job.h"

#define DOOMED_SIZE	(16 * SZ_1M)
#define DOOMED_MAX_JOBS	4

enum death {
	/* The test does it to the VMM. */
	DEATH_KILL,
	DEATH_STOP_AND_KILL,
	DEATH_KILL_BUT_VM_HELD,	/* another process has the VM and the rings */
	/* The VMM does it to itself. */
	DEATH_EXIT,
	DEATH_CORE,		/* SIGABRT, and all threads wait for the dump */
	DEATH_EXEC,
	DEATH_EXEC_BY_THREAD,
	DEATH_THREADS,		/* one by one */
	/* The VMM lives on. */
	DEATH_RINGS,
	DEATH_VM,
	DEATH_CANCEL,
	DEATH_SIGNALS,
	DEATH_MUNMAP,
	NR_DEATHS
};

/* When a death struck, seen from the jobs. */
enum stage { STAGE_BEFORE, STAGE_DURING, STAGE_AFTER, NR_STAGES };

enum doomed_backing { BACKING_4K, BACKING_THP, BACKING_MEMFD, BACKING_UFFD, NR_BACKINGS };

enum doomed_entry { ENTRY_IOCTL, ENTRY_VCPU, ENTRY_URING, NR_ENTRIES };

struct doomed_job {
	enum doomed_entry entry;
	unsigned int ring_flags;
	/* The progress goes to the guest's memory, which may vanish, and not here. */
	bool progress_in_guest;
	struct kvm_map_memory_progress progress;
	struct kvm_memory_mapping asked;
	/* Written by the kernel, and by the VMM. */
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	int result;
	bool handed_in;
	bool returned;
};

/* One round, in memory that test and VMM share. */
struct doomed_round {
	uint64_t seed;		/* of what the VMM draws itself */
	enum death death;
	enum doomed_backing backing;
	uint64_t delay_ns;
	/* Death waits for a job to begin, and not for @delay_ns to go by. */
	bool awaits_job;
	bool vcpu_runs;
	unsigned int nr_jobs;
	struct doomed_job jobs[DOOMED_MAX_JOBS];

	/* The VMM is ready; the test lets it begin; death has struck. */
	bool ready;
	bool go;
	bool struck;
	enum stage stage;
};

/* Draws everything about round @nr of @seed. */
void doomed_round_draw(struct doomed_round *round, uint64_t seed, uint64_t nr);
enum stage doomed_round_stage(const struct doomed_round *round);
/* Whether the jobs' leftovers agree with their requests and results. */
bool doomed_round_is_consistent(const struct doomed_round *round);
/* Jobs of which a part was mapped. */
unsigned int doomed_round_cut_short(const struct doomed_round *round);
/* Waits for the moment at which death strikes. */
void doomed_round_delay(const struct doomed_round *round);

/* The slot's memory; for BACKING_UFFD with a thread that handles the faults. */
void *doomed_memory_create(struct kvm_vm *vm, struct doomed_round *round);

/* The status that the process has to end with. */
#define DOOMED_EXIT	42

/* The VMM: never returns. */
void doomed_vmm_run(struct doomed_round *round);

#endif /* SELFTESTS_DOOMED_VMM_H */
