/* SPDX-License-Identifier: MIT */
/* What the files of the session share; no symbols of the library. */
#ifndef LIBURING_KVM_SESSION_H
#define LIBURING_KVM_SESSION_H

#include <stdatomic.h>
#include <sys/types.h>

#include "liburing_kvm.h"
#include "kvm_prefault_session.h"

#define MAX_PIECES	1024
#define MAX_PARTS	KVM_MAP_MEMORY_MAX_WORKERS
#define NSEC_PER_SEC	1000000000ULL
/* Slices and steps end at multiples of it, where huge pages may end. */
#define HUGE_SIZE	(2ULL << 20)
#define REASON_SIZE	512

/* What is mapped at one go. */
struct slice {
	/* In and out, as those of struct kvm_map_memory_batch. */
	struct kvm_memory_mapping pieces[MAX_PIECES + MAX_PARTS];
	unsigned int nr;
	int urgent;
	__u64 bytes;
	/* Results. */
	__u64 mapped, present, skipped, uncounted;
	unsigned int threads, first_undone;
};

/* Pieces in order, with room for those of a slice to come back. */
struct queue {
	struct kvm_memory_mapping *pieces;
	size_t first, nr, capacity;
};

struct rate {
	__u64 bytes_per_second;
	/* On CLOCK_MONOTONIC; the next slice begins no earlier. */
	__u64 next_ns;
};

struct kvm_prefault_session;

struct path_ops {
	unsigned int path;
	const char *name;
	__u64 slice_size;
	/* 0, or -errno, and in why what is missing. */
	int (*check)(const struct kvm_prefault_session *session, char *why,
		     size_t size);
	int (*open)(struct kvm_prefault_session *session);
	void (*close)(struct kvm_prefault_session *session);
	/*
	 * Maps the slice, in the session's thread, without its lock.  Returns the
	 * error of the piece first_undone, or one that concerns the whole slice.
	 */
	int (*run)(struct kvm_prefault_session *session, struct slice *slice);
	/* Makes run() return; with the lock.  NULL: it looks at session->interrupt. */
	void (*interrupt)(struct kvm_prefault_session *session);
	/* Nothing is to be mapped for a while. */
	void (*idle)(struct kvm_prefault_session *session);
};

extern const struct path_ops liburing_kvm_path_uring;
extern const struct path_ops liburing_kvm_path_ioctl;
extern const struct path_ops liburing_kvm_path_pre_fault;
extern const struct path_ops liburing_kvm_path_populate;

struct kvm_prefault_session {
	/* These do not change after ..._create(). */
	pid_t pid;
	int vm_fd;
	unsigned int flags;
	unsigned int nr_workers;
	__u64 page_size;
	struct kvm_prefault_memory *memory;	/* by base_address */
	unsigned int nr_memory;
	int *vcpu_fds;
	unsigned int nr_vcpu_fds;
	int features;
	/* The path that was chosen, and whose open() was called. */
	const struct path_ops *chosen;
	int event_fd;
	char reason[REASON_SIZE];

	/* Of the path; the session's thread alone uses them. */
	struct io_uring ring;
	int kick_fd;
	int kick_armed;
	struct kvm_memory_mapping split[MAX_PIECES + MAX_PARTS];

	/* Set with the lock, read without: end the slice under way. */
	atomic_int interrupt;

	pthread_mutex_t lock;
	/* Every change of what is below. */
	pthread_cond_t changed;
	const struct path_ops *ops;
	__u64 slice_size;
	int started, has_thread, pause, cancel, in_slice, ended, paused;
	/* A timeout, and not a slice, is in the caller's ring. */
	int in_timeout;
	int fatal;
	pthread_t thread;
	struct queue normal, urgent;
	struct rate rate;
	/* When the slice under way began; when the next try may. */
	__u64 slice_ns, retry_ns;
	unsigned int idle_calls, errors_in_row;
	/* The end of what the last error made the session leave out. */
	__u64 failed_end, failed_size;
	__u64 start_ns, end_ns, pause_ns, paused_ns;
	struct kvm_prefault_session_report sum;
	struct slice slice;
	struct kvm_map_memory_batch batch;
	struct __kernel_timespec timeout;
};

/* session_path.c: sets chosen, ops and reason. */
int liburing_kvm_choose_path(struct kvm_prefault_session *session, unsigned int path);

/*
 * session_options.c: a session with copies of what the options have.  The reason goes
 * to reason also if no path is available.
 */
int liburing_kvm_session_new(struct kvm_prefault_session **session,
			     const struct kvm_prefault_session_options *options,
			     char *reason, size_t size);
void liburing_kvm_session_free(struct kvm_prefault_session *session);

/* session_memory.c */
int liburing_kvm_memory_init(struct kvm_prefault_session *session,
			     const struct kvm_prefault_memory *memory, unsigned int nr);
/* The piece of memory that holds the address, or NULL. */
const struct kvm_prefault_memory *
liburing_kvm_memory_find(const struct kvm_prefault_session *session, __u64 address);

/* session_queue.c; but for the first with the lock, once the session has started. */
int liburing_kvm_check_mappings(const struct kvm_prefault_session *session,
				const struct kvm_memory_mapping *mappings,
				unsigned int nr);
int liburing_kvm_queue_add(struct kvm_prefault_session *session, struct queue *queue,
			   const struct kvm_memory_mapping *mappings, unsigned int nr);
/* Takes up to bytes, and MAX_PIECES at most, from the front of the queue. */
void liburing_kvm_queue_take(struct queue *queue, struct slice *slice, __u64 bytes,
			     unsigned int max_pieces);
/* Puts back what the slice has left. */
void liburing_kvm_queue_return(struct queue *queue, const struct slice *slice);
__u64 liburing_kvm_queue_bytes(const struct queue *queue);

/* session_rate.c */
__u64 liburing_kvm_now_ns(void);
/* What the rate allows a slice to have. */
__u64 liburing_kvm_rate_slice(const struct rate *rate, __u64 bytes, __u64 page_size);
void liburing_kvm_rate_charge(struct rate *rate, __u64 start_ns, __u64 bytes);
void liburing_kvm_rate_set(struct rate *rate, __u64 bytes_per_second);

/* session_step.c; with the lock. */
/* Ends or pauses the session if that is due; 1 if there is nothing to map now. */
int liburing_kvm_settle(struct kvm_prefault_session *session);
enum next_step { STEP_NONE, STEP_SLICE, STEP_SLEEP, STEP_ENDED };
/* For STEP_SLEEP *until_ns says when to ask again. */
enum next_step liburing_kvm_next_step(struct kvm_prefault_session *session,
				      __u64 *until_ns);
void liburing_kvm_slice_done(struct kvm_prefault_session *session, int ret);

/* session_events.c; with the lock. */
void liburing_kvm_news(struct kvm_prefault_session *session);
void liburing_kvm_wait_until(struct kvm_prefault_session *session, __u64 ns);
/* 0, or -EPERM in a child; without the lock. */
int liburing_kvm_session_check(const struct kvm_prefault_session *session);

/* session_thread.c */
void *liburing_kvm_session_thread(void *session);

/* path_batch.c: what io_uring and ioctl share. */
int liburing_kvm_probe_vm(struct kvm_prefault_session *session);
int liburing_kvm_batch_check(const struct kvm_prefault_session *session, int feature,
			     char *why, size_t size);
void liburing_kvm_batch_init(struct kvm_prefault_session *session);
void liburing_kvm_batch_done(struct kvm_prefault_session *session);
void liburing_kvm_batch_idle(struct kvm_prefault_session *session);

/* path_host.c: populate, and what goes with it, in steps. */
struct host_step {
	struct kvm_prefault_session *session;
	/* Of the thread, from 0. */
	unsigned int index;
	__u64 base_address;
	char *host;
	__u64 size;
	int read_only;
};

/* Stores how many bytes from the start are done. */
typedef int host_step_fn(const struct host_step *step, __u64 *done);
int liburing_kvm_host_check(const struct kvm_prefault_session *session, char *why,
			    size_t size);
int liburing_kvm_host_run(struct kvm_prefault_session *session, struct slice *slice,
			  unsigned int nr_threads, host_step_fn *fn);
host_step_fn liburing_kvm_populate;

#endif /* LIBURING_KVM_SESSION_H */
