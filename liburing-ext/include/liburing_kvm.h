/* SPDX-License-Identifier: MIT */
/*
 * KVM_MAP_MEMORY beside liburing: fill a KVM guest's second-level page tables
 * before it runs, through io_uring or by a blocking call.
 *
 * As in liburing, inline functions only fill in fields, and the library
 * liburing-kvm has the others.  The library liburing-kvm-ffi has all of them as
 * symbols, for languages that cannot read this header.
 *
 * Functions return -errno on failure, print nothing and leave errno alone.
 */
#ifndef LIBURING_KVM_H
#define LIBURING_KVM_H

/* First: some versions ask the C library for more than strict C99 or C11 shows. */
#include <liburing.h>

#include <pthread.h>
#include <string.h>
#include <linux/kvm_map_memory.h>

/*
 * src/ffi.c defines it as nothing, which turns each function so marked into an
 * ordinary one.  A C++20 module cannot export a static function.
 */
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

LIBURING_KVM_INLINE void
kvm_memory_mapping_init(struct kvm_memory_mapping *mapping,
			__u64 base_address, __u64 size, __u64 flags)
{
	mapping->base_address = base_address;
	mapping->size = size;
	mapping->flags = flags;
}

LIBURING_KVM_INLINE void
kvm_map_memory_batch_init(struct kvm_map_memory_batch *batch,
			  struct kvm_memory_mapping *mappings,
			  unsigned int nr_mappings, unsigned int nr_workers)
{
	memset(batch, 0, sizeof(*batch));
	batch->mappings = (unsigned long)mappings;
	batch->nr_mappings = nr_mappings;
	batch->nr_workers = nr_workers;
}

/* The batch and its vector belong to the kernel until the CQE is posted. */
LIBURING_KVM_INLINE void
io_uring_prep_cmd_kvm_map_memory(struct io_uring_sqe *sqe, int vm_fd,
				 struct kvm_map_memory_batch *batch)
{
	struct kvm_map_memory_cmd cmd;

	cmd.batch = (unsigned long)batch;
	cmd.reserved = 0;
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, vm_fd, NULL, 0, 0);
	/* Newer versions of liburing leave these to io_uring_get_sqe(). */
	sqe->flags = 0;
	sqe->ioprio = 0;
	sqe->rw_flags = 0;
	sqe->buf_index = 0;
	sqe->personality = 0;
	sqe->file_index = 0;
	sqe->cmd_op = KVM_MAP_MEMORY_BATCH;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
}

/*
 * A mask of KVM_MAP_MEMORY_FEATURE_*, for fd a VM or /dev/kvm; 0 if KVM lacks
 * them all; -ENOTTY, or another error of ioctl(), if fd is not KVM's.
 */
int kvm_map_memory_probe(int fd);

/* Bytes of the batch that are not mapped yet. */
__u64 kvm_map_memory_batch_left(const struct kvm_map_memory_batch *batch);

/*
 * Map one range with the MMU of a vCPU, or a batch, and wait for it.  After -EINTR or
 * -EAGAIN both call the kernel again for the rest, and give up after a hundred calls
 * in a row that mapped nothing, a millisecond apart if the reason is -EAGAIN.  The
 * results in batch are those of all calls together.
 */
int kvm_map_memory_vcpu(int vcpu_fd, struct kvm_memory_mapping *mapping);
int kvm_map_memory_batch_run(int vm_fd, struct kvm_map_memory_batch *batch);

/*
 * The same, for VMMs that want no threads made by the kernel: nr_threads threads map,
 * the calling one included, which this function makes with attr (NULL: default
 * attributes) and joins; 0 stands for as many as the caller has CPUs to run on.  The
 * threads have all signals blocked.  If not all of them can be made, fewer map.
 */
int kvm_map_memory_batch_run_threads(int vm_fd, struct kvm_map_memory_batch *batch,
				     unsigned int nr_threads,
				     const pthread_attr_t *attr);

/*
 * Let the calling thread map for the batch that another thread, or a ring, has
 * submitted from the same address with KVM_MAP_MEMORY_OWN_THREADS, until nothing is
 * left to take.  -ENOENT if it is not running.
 */
int kvm_map_memory_join(int vm_fd, const struct kvm_map_memory_batch *batch);

/* End the helper threads that KVM_MAP_MEMORY_KEEP_HELPERS has kept. */
int kvm_map_memory_end_helpers(int vm_fd);

#ifdef __cplusplus
}
#endif

#endif /* LIBURING_KVM_H */
