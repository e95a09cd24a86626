/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Submitting batches, by the ioctl and through io_uring.  Results
 * are 0 or a negative errno for both.
 */
#ifndef SELFTESTS_MAP_JOB_H
#define SELFTESTS_MAP_JOB_H

#include <liburing.h>
#include <pthread.h>

#include "test_vm.h"

enum map_entry {
	MAP_BY_IOCTL,
	MAP_BY_URING,
};

/* Name of the threads that help with a job. */
#define HELPER_COMM	"kvm-map-memory"

/*
 * These submit the rest again after -EINTR of an ioctl, because io_uring interrupts
 * its submitters: to create helpers, and when a ring that they closed is torn down,
 * some time later.
 */
int vcpu_map_memory(struct kvm_vcpu *vcpu, struct kvm_memory_mapping *mapping);

/* Ends the program as skipped where KVM has no batches, or no command for them. */
void map_require_batches(void);

void map_batch_init(struct kvm_map_memory_batch *batch,
		    struct kvm_memory_mapping *mappings, uint32_t nr,
		    uint32_t workers);
/*
 * The batch's results are the sum, and the most workers, of all calls.  A page
 * behind a failure, or which several workers had in hand, may count twice.
 */
int map_batch(struct kvm_vm *vm, enum map_entry entry,
	      struct kvm_map_memory_batch *batch);
/* One call, with an address that need not be valid. */
int map_batch_at(int vm_fd, enum map_entry entry, uint64_t batch);
/*
 * Opens the ring that the two above take from now on, instead of one a call: for
 * tests of one thread that unmap memory, in whose place a new ring might be put.
 */
void map_ring_keep(void);
/* One mapping; @out may be NULL. */
int map_range(struct kvm_vm *vm, enum map_entry entry, uint64_t gpa,
	      uint64_t size, uint64_t flags, uint32_t workers,
	      struct kvm_map_memory_batch *out);
/* Asserts that everything is done and @mapped and @present bytes reported. */
void assert_batch_done(const struct kvm_map_memory_batch *batch,
		       uint64_t mapped, uint64_t present);
/* The same in pages, some of which may have been skipped. */
void assert_batch_pages(const struct kvm_map_memory_batch *batch, uint64_t mapped,
			uint64_t present, uint64_t skipped);
/* As map_range(), which has to map @mapped bytes and find all others present. */
void assert_map_range(struct kvm_vm *vm, enum map_entry entry, uint64_t gpa,
		      uint64_t size, uint64_t flags, uint32_t workers,
		      uint64_t mapped);

/* A batch submitted once, by a thread of its own. */
struct map_thread {
	pthread_t thread;
	struct kvm_vm *vm;
	enum map_entry entry;
	struct kvm_map_memory_batch *batch;
	int result;
};

void map_thread_start(struct map_thread *thread, struct kvm_vm *vm,
		      enum map_entry entry, struct kvm_map_memory_batch *batch);
/* Its result; fails the test when it does not end in time. */
int map_thread_join(struct map_thread *thread);

void map_ring_open(struct io_uring *ring, unsigned int entries,
		   unsigned int flags);
struct io_uring_sqe *map_ring_prep(struct io_uring *ring, int fd,
				   const struct kvm_map_memory_batch *batch,
				   uint64_t user_data);
void map_ring_submit(struct io_uring *ring, int nr);
/* Waits for the next CQE; fails the test when none comes in time. */
int map_ring_wait(struct io_uring *ring, uint64_t *user_data);
/* Waits for @nr CQEs and stores each result under its user_data. */
void map_ring_wait_all(struct io_uring *ring, int *results, int nr);
/* Fails the test if a CQE is there. */
void map_ring_assert_empty(struct io_uring *ring);

#endif /* SELFTESTS_MAP_JOB_H */
