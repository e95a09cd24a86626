/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A job that waits in the middle of its work, at known pages, until the test has
 * done what it tests.
 */
#ifndef SELFTESTS_BLOCKED_JOB_H
#define SELFTESTS_BLOCKED_JOB_H

#include "map_job.h"
#include "uffd_gate.h"

#define BLOCKED_SIZE	(16 * SZ_1M)
/* From here on the memory is missing, and touching it waits. */
#define BLOCKED_OFFSET	(4 * SZ_1M + 7 * PAGE_SIZE)

struct blocked_job {
	uint64_t page_tables_kib;	/* before there was a VM */
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	struct uffd_gate gate;
	/* 0 to 2, 2 to 8 and 8 to 16 MiB of the memory. */
	struct kvm_memory_mapping mappings[3];
	struct kvm_map_memory_batch batch;
};

/* A VM and a batch; false if userfaultfd is not permitted. */
bool blocked_job_create(struct blocked_job *job, uint32_t workers);
/* Waits until each of the workers stands at the gate. */
void blocked_job_wait(struct blocked_job *job);
/* Submits the batch as entry 1 of the ring, and waits likewise. */
void blocked_job_submit(struct blocked_job *job, struct io_uring *ring);
/* Opens the gate: the job must end well, and with it the ring and the VM. */
void blocked_job_let_go(struct blocked_job *job, struct io_uring *ring);
/* Asserts that the results report exactly the memory mapped until then. */
void blocked_job_assert_left(struct blocked_job *job);
/* The same for a job that another thread may not have ended yet. */
void blocked_job_wait_left(struct blocked_job *job);
/*
 * Opens the gate, lets a second job map what is left, has the guest use all
 * of it, and asserts that threads, VM and page tables are gone in the end.
 */
void blocked_job_finish(struct blocked_job *job, enum map_entry entry);

/* Waits for the next CQE, which must be this one, and come promptly. */
void expect_cqe(struct io_uring *ring, uint64_t user_data, int wanted);

#endif /* SELFTESTS_BLOCKED_JOB_H */
