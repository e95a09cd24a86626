/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that the host keeps changing under jobs, with vCPUs at work in the
 * same tables.  The result of such a job is open; afterwards the guest must
 * have the very pages that the host has, each of them.
 */
#ifndef SELFTESTS_MOVING_MEMORY_H
#define SELFTESTS_MOVING_MEMORY_H

#include "map_job.h"

/* Small pages, what changes among them a whole table of the host's. */
#define MOVING_PAGES		1400
#define MOVING_FIRST		300
#define MOVING_NR		900

/* The same of huge pages, where what changes is whole ones. */
#define MOVING_HUGE		3
#define MOVING_HUGE_PAGES	((MOVING_HUGE + 2) * PAGES_PER_HUGE)
#define PAGES_PER_HUGE		(SZ_2M / PAGE_SIZE)
/* The least memory for that. */
#define MOVING_HUGE_SIZE	((MOVING_HUGE + 3) * SZ_2M)

#define MOVING_NR_VCPUS		2
/* Rounds of a race: both entries, with one worker and with several. */
#define MOVING_ROUNDS		4
/* Changes in a round, which are numbered throughout the race. */
#define MOVING_CHANGES		2
#define MOVING_PIECES		9

/* The memory that vCPUs read and write meanwhile. */
enum moving_vcpus {
	/* Everywhere: what changes can be used at any time. */
	VCPUS_THROUGH,
	/* Below and above of what changes, in the same tables in part. */
	VCPUS_AROUND,
	/* In a slot of their own. */
	VCPUS_ASIDE,
};

struct moving_memory {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpus[MOVING_NR_VCPUS];
	/* The slot's memory at TEST_GPA. */
	void *hva;
	uint64_t nr_pages;
	/* The part of it that changes. */
	void *moving;
	uint64_t first_moving;
	uint64_t nr_moving;

	/* For the test to set: called when nothing moves any more. */
	void (*settle)(struct moving_memory *mem);
	/* For the test to set: jobs may come to broken pages. */
	bool poison;
	/* For the test to set: all jobs ask for @flags, not for one thing each. */
	bool same_flags;
	uint64_t flags;

	/* How many jobs ended in which way. */
	unsigned int nr_done;
	unsigned int nr_efault;
	unsigned int nr_eagain;
	unsigned int nr_ehwpoison;

	void (*change)(struct moving_memory *mem, unsigned int nr);
	unsigned int round;
	bool changed;
	pthread_t threads[MOVING_NR_VCPUS];
	struct guest_pass passes[MOVING_NR_VCPUS];
};

/* A VM with a slot on @nr_pages at @hva. */
void moving_memory_create(struct moving_memory *mem, void *hva, uint64_t nr_pages,
			  uint64_t first_moving, uint64_t nr_moving);
/*
 * Within MOVING_HUGE_SIZE at @huge, which is aligned, with the pages @skew pages
 * away from their places in the host's tables: only without that they can be huge
 * for the guest.
 */
void moving_memory_create_huge(struct moving_memory *mem, void *huge, uint64_t skew);
void moving_memory_destroy(struct moving_memory *mem);

/* Runs jobs and vCPUs while @change is called, then compares; some rounds. */
void moving_memory_race(struct moving_memory *mem, enum moving_vcpus where,
			void (*change)(struct moving_memory *mem, unsigned int nr));

/* For @change: waits for one more job to end in the way that is counted there. */
void moving_memory_await(const unsigned int *nr_ended);

/* A job over the whole slot; @left takes what is left of it, or is NULL. */
int moving_memory_map(struct moving_memory *mem, uint64_t flags,
		      struct kvm_memory_mapping *left,
		      struct kvm_map_memory_batch *batch);
/*
 * Asserts that a job can map everything, that what either side writes the other
 * one reads, and that nothing faults for it.
 */
void moving_memory_compare(struct moving_memory *mem);

/* The page with number @i of what changes. */
void *moving_page(struct moving_memory *mem, uint64_t i);
/* A MOVING_PIECES-th of what changes. */
void *moving_piece(struct moving_memory *mem, unsigned int i);
uint64_t moving_piece_size(struct moving_memory *mem);

/*
 * A mark in a page, beside the word that vCPUs and the comparison use: another
 * page in its place does not have it.
 */
void moving_mark(void *page, uint64_t nr_pages, uint64_t mark);
uint64_t moving_count_marks(void *page, uint64_t nr_pages, uint64_t mark);

#endif /* SELFTESTS_MOVING_MEMORY_H */
