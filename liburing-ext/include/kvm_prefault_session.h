/* SPDX-License-Identifier: MIT */
/*
 * A session: prefault a guest's memory by the best way that the running kernel
 * offers, in order, at a limited rate, while the VMM does something else.
 *
 * The library liburing-kvm has the functions.  They return -errno on failure, print
 * nothing and leave errno alone.  All functions may be called by any threads at the
 * same time, but nothing may use a session that is being destroyed.  A session belongs
 * to the process that created it: in a child made by fork() every function returns
 * -EPERM, except kvm_prefault_session_destroy(), which only frees memory there.
 */
#ifndef KVM_PREFAULT_SESSION_H
#define KVM_PREFAULT_SESSION_H

#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <linux/kvm_map_memory.h>

#ifndef LIBURING_KVM_INLINE
#if defined(__cplusplus) && __cplusplus >= 202002L
#define LIBURING_KVM_INLINE inline
#else
#define LIBURING_KVM_INLINE static inline
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct io_uring_sqe;
struct kvm_prefault_session;

/* Ways to prefault, the best one first. */
#define KVM_PREFAULT_PATH_BEST		0U
/* KVM_MAP_MEMORY_BATCH through io_uring. */
#define KVM_PREFAULT_PATH_URING		1U
/* The ioctl KVM_MAP_MEMORY_BATCH on the VM. */
#define KVM_PREFAULT_PATH_IOCTL		2U
/* MADV_POPULATE_WRITE, then KVM_PRE_FAULT_MEMORY on the vCPUs. */
#define KVM_PREFAULT_PATH_PRE_FAULT	3U
/* MADV_POPULATE_WRITE: the guest still faults, but on memory that is there. */
#define KVM_PREFAULT_PATH_POPULATE	4U

/* A piece of the guest's memory; the pieces must not overlap. */
struct kvm_prefault_memory {
	/* Guest-physical; a multiple of the page size. */
	__u64 base_address;
	/* Bytes, a multiple of the page size, not 0. */
	__u64 size;
	/* Of the same memory in this process; NULL: not known, see paths below. */
	void *host_address;
	/* KVM_MEMORY_MAPPING_*, added to the flags of every range in this piece. */
	__u64 flags;
};

/* No thread is made; the caller's ring runs the slices, see ..._prep(). */
#define KVM_PREFAULT_SESSION_CALLER_RING	(1U << 0)
/* Paused from the start. */
#define KVM_PREFAULT_SESSION_START_PAUSED	(1U << 1)
/*
 * All threads that map have the policy SCHED_IDLE meanwhile.  Without
 * KVM_MAP_MEMORY_BACKGROUND the paths URING and IOCTL are not available then.
 */
#define KVM_PREFAULT_SESSION_BACKGROUND		(1U << 2)

/*
 * Nothing in it or behind its pointers is used after ..._create() has returned, but
 * the descriptors, which stay the caller's, must remain open.
 */
struct kvm_prefault_session_options {
	/* sizeof(struct kvm_prefault_session_options); later versions append fields. */
	__u32 size;
	/* KVM_PREFAULT_SESSION_*. */
	__u32 flags;
	/* KVM_PREFAULT_PATH_*: this one or none; BEST: the first that is available. */
	__u32 path;
	/* The VM, made by this process; -1: none, only POPULATE is available. */
	__s32 vm_fd;
	const struct kvm_prefault_memory *memory;
	/*
	 * What to map, in this order; NULL: all of memory in the order above.  Ranges
	 * lie in memory, may span its pieces where those adjoin, and may overlap.
	 */
	const struct kvm_memory_mapping *mappings;
	/* For PRE_FAULT: vCPUs with their CPUID set, which nobody runs meanwhile. */
	const int *vcpu_fds;
	__u32 nr_memory;
	__u32 nr_mappings;
	__u32 nr_vcpu_fds;
	/*
	 * The most threads that map at the same time, 1 to 256; 0: one for each CPU
	 * that the caller may run on.  PRE_FAULT has one for each vCPU at most.
	 */
	__u32 nr_workers;
	/* Bytes a second; 0: no limit. */
	__u64 rate;
	/*
	 * Bytes of a slice, a multiple of the page size; 0: up to 256 MiB, or 32 MiB
	 * where a slice cannot be interrupted, or a tenth of a second's worth of rate.
	 * Memory in pages of 1 GiB needs as many of them in a slice as there are threads.
	 */
	__u64 slice_size;
};

/* Calls ..._start() has not been made. */
#define KVM_PREFAULT_SESSION_CREATED	0U
#define KVM_PREFAULT_SESSION_RUNNING	1U
/* ..._pause() was called; a slice is still under way. */
#define KVM_PREFAULT_SESSION_PAUSING	2U
/* Nothing is being mapped. */
#define KVM_PREFAULT_SESSION_PAUSED	3U
/* Done, cancelled or given up, see result. */
#define KVM_PREFAULT_SESSION_ENDED	4U

struct kvm_prefault_session_report {
	/* in: sizeof(struct kvm_prefault_session_report); only so much is written. */
	__u32 size;
	/* KVM_PREFAULT_SESSION_CREATED ... ENDED. */
	__u32 state;
	/* KVM_PREFAULT_PATH_*, not BEST; IOCTL after URING if io_uring gets no thread. */
	__u32 path;
	/*
	 * 0; in state ENDED -ECANCELED if cancelled, else the error that ended the
	 * session, if that was not the end of its ranges, else first_error.
	 */
	__s32 result;
	/* Negative errno, or 0: that of the first range that could not be mapped. */
	__s32 first_error;
	/* The most threads that took part in a slice. */
	__u32 threads;
	/* Guest-physical; where first_error happened. */
	__u64 first_error_address;
	/* Asked for until now, urgent ranges included. */
	__u64 bytes_total;
	/* Of these, what is left to do. */
	__u64 bytes_left;
	/*
	 * By outcome.  The sum is bytes_total - bytes_left, or more after errors and
	 * interruptions: what was mapped above such a place is found present later.
	 */
	__u64 bytes_mapped;
	__u64 bytes_present;
	/* Not resident, see KVM_MEMORY_MAPPING_RESIDENT. */
	__u64 bytes_skipped;
	/* Mapped or present before: PRE_FAULT and POPULATE cannot tell these apart. */
	__u64 bytes_uncounted;
	__u64 bytes_failed;
	/* From ..._start() to the end, or until now; and the part of it when PAUSED. */
	__u64 nanoseconds;
	__u64 nanoseconds_paused;
	/* Slices that were begun. */
	__u64 slices;
};

LIBURING_KVM_INLINE void
kvm_prefault_session_options_init(struct kvm_prefault_session_options *options,
				  int vm_fd,
				  const struct kvm_prefault_memory *memory,
				  unsigned int nr_memory)
{
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	options->vm_fd = vm_fd;
	options->memory = memory;
	options->nr_memory = nr_memory;
}

/*
 * The path that a session with these options would take, or -EOPNOTSUPP if none is
 * available, or another error of ..._create().  A text that says why this one and
 * none before it goes to reason, cut to size bytes; size may be 0.
 */
int kvm_prefault_session_choose(const struct kvm_prefault_session_options *options,
				char *reason, size_t size);

/* "uring", "ioctl", "pre-fault", "populate", or "unknown". */
const char *kvm_prefault_path_name(unsigned int path);

/* Stores a new session, which maps nothing before ..._start(). */
int kvm_prefault_session_create(struct kvm_prefault_session **session,
				const struct kvm_prefault_session_options *options);

/* Cancels, waits until nothing is being mapped, frees; NULL is allowed. */
int kvm_prefault_session_destroy(struct kvm_prefault_session *session);

/*
 * Once for each session.  The session's thread gets the attributes (NULL: the default
 * ones), which must not make it detached, and has all signals blocked.
 */
int kvm_prefault_session_start(struct kvm_prefault_session *session,
			       const pthread_attr_t *attr);

/* Why the session takes its path; the text lives as long as the session. */
const char *kvm_prefault_session_reason(const struct kvm_prefault_session *session);

/*
 * The slice under way is interrupted, with IOCTL and the caller's ring waited out.
 * -EALREADY if the session has ended, as for ..._resume() and ..._urgent().
 */
int kvm_prefault_session_pause(struct kvm_prefault_session *session);
int kvm_prefault_session_resume(struct kvm_prefault_session *session);

/* For good: the session ends with -ECANCELED, unless it has ended before. */
int kvm_prefault_session_cancel(struct kvm_prefault_session *session);

/*
 * Ranges to map before all others, after those of earlier calls.  They interrupt the
 * slice under way as ..._pause() does, whose rest comes after them.
 */
int kvm_prefault_session_urgent(struct kvm_prefault_session *session,
				const struct kvm_memory_mapping *mappings,
				unsigned int nr_mappings);

/* Bytes a second from now on; 0: no limit. */
int kvm_prefault_session_set_rate(struct kvm_prefault_session *session, __u64 rate);

/*
 * A descriptor for poll(), the session's: readable when there is news since the last
 * ..._report(), which are the end of a slice, a pause and the end of the session.
 */
int kvm_prefault_session_fd(const struct kvm_prefault_session *session);

/* Fills in report; see report->size. */
int kvm_prefault_session_report(struct kvm_prefault_session *session,
				struct kvm_prefault_session_report *report);

/*
 * Waits until the session has ended, and returns its result; or until it has ended or
 * is PAUSED, and returns 0.  -ETIMEDOUT after timeout_ms milliseconds, -1: no limit.
 */
int kvm_prefault_session_wait(struct kvm_prefault_session *session, int timeout_ms);
int kvm_prefault_session_wait_paused(struct kvm_prefault_session *session,
				     int timeout_ms);

/*
 * For KVM_PREFAULT_SESSION_CALLER_RING.  Fills in all of sqe but user_data for the
 * next request, of which there is one at a time, and returns 1; 0 if there is none
 * now, because the session is paused, not started, or a request is not completed;
 * -EALREADY if the session has ended.  Hand the res of the CQE to ..._complete(), or
 * -ECANCELED if the request was not submitted, and call ..._prep() again.
 */
int kvm_prefault_session_prep(struct kvm_prefault_session *session,
			      struct io_uring_sqe *sqe);
int kvm_prefault_session_complete(struct kvm_prefault_session *session, int res);

#ifdef __cplusplus
}
#endif

#endif /* KVM_PREFAULT_SESSION_H */
