/* SPDX-License-Identifier: GPL-2.0 */
/* A job over memory of which userfaultfd holds pages back. */
#ifndef SELFTESTS_UFFD_JOB_H
#define SELFTESTS_UFFD_JOB_H

#include "map_job.h"
#include "uffd_memory.h"

#define UFFD_JOB_RANGES		4
#define UFFD_JOB_RANGE_SIZE	((uint64_t)SZ_2M)
#define UFFD_JOB_SIZE		(UFFD_JOB_RANGES * UFFD_JOB_RANGE_SIZE)

struct uffd_job_variant {
	enum uffd_memory_kind kind;
	uint64_t mode;
	enum map_entry entry;
	uint32_t workers;
};

struct uffd_job {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct uffd_memory mem;
	uint64_t gate;		/* offset in its range of the page that is held back */
	struct kvm_memory_mapping mappings[UFFD_JOB_RANGES];
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
};

#define UFFD_JOB_VARIANT(fixture, name, _kind, _mode, _entry, _workers)	\
	FIXTURE_VARIANT_ADD(fixture, name) {				\
		.v = {							\
			.kind = UFFD_MEMORY_##_kind,			\
			.mode = UFFDIO_REGISTER_MODE_##_mode,		\
			.entry = MAP_BY_##_entry,			\
			.workers = _workers,				\
		},							\
	}

/* Every kind of memory in every mode that there is for it. */
#define UFFD_JOB_VARIANTS(fixture)					\
	FIXTURE_VARIANT(fixture) {					\
		struct uffd_job_variant v;				\
	};								\
	UFFD_JOB_VARIANT(fixture, missing_anon, ANON, MISSING, IOCTL, 1); \
	UFFD_JOB_VARIANT(fixture, missing_memfd, MEMFD, MISSING, URING, 3); \
	UFFD_JOB_VARIANT(fixture, missing_hugetlb, HUGETLB, MISSING, IOCTL, 3); \
	UFFD_JOB_VARIANT(fixture, minor_memfd, MEMFD, MINOR, IOCTL, 3);	\
	UFFD_JOB_VARIANT(fixture, minor_hugetlb, HUGETLB, MINOR, URING, 1); \
	UFFD_JOB_VARIANT(fixture, wp_anon, ANON, WP, URING, 3);		\
	UFFD_JOB_VARIANT(fixture, wp_thp, THP, WP, IOCTL, 3);		\
	UFFD_JOB_VARIANT(fixture, wp_memfd, MEMFD, WP, IOCTL, 1);	\
	UFFD_JOB_VARIANT(fixture, wp_hugetlb, HUGETLB, WP, URING, 3)

/* False if this kind of memory or mode is not to be had. */
bool uffd_job_create(struct uffd_job *job, const struct uffd_job_variant *variant);
void uffd_job_destroy(struct uffd_job *job);

/* Holds back one page in each of the first @nr ranges. */
void uffd_job_hold_back(struct uffd_job *job, unsigned int nr);
/* Hands the job in; it is under way then. */
void uffd_job_start(struct uffd_job *job, const struct uffd_job_variant *variant);
/* Bytes of the VM's page tables below which there is memory. */
uint64_t uffd_job_bytes_mapped(struct uffd_job *job);
/* Waits until one worker for each of @nr pages waits. */
void uffd_job_wait_blocked(struct uffd_job *job, unsigned int nr);
/* Asserts that the job has not ended. */
void uffd_job_assert_blocked(struct uffd_job *job);
/* Has the guest read and verify all of the memory; returns its faults. */
uint64_t uffd_job_guest_verify(struct uffd_job *job);

#endif /* SELFTESTS_UFFD_JOB_H */
