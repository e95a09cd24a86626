/* SPDX-License-Identifier: MIT */
/*
 * KVM_MAP_MEMORY beside liburing: fill a KVM guest's second-level page tables
 * before it runs, through io_uring or by a blocking call.
 *
 * Every function is inline here, and all that a C or C++ program needs.  The
 * library liburing-kvm-ffi holds the same functions as symbols, for languages
 * that cannot read this header.
 *
 * Functions return -errno on failure, print nothing and leave errno alone.
 */
#ifndef LIBURING_KVM_H
#define LIBURING_KVM_H

/* First: some versions ask the C library for more than strict C99 or C11 shows. */
#include <liburing.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/kvm_map_memory.h>

/*
 * Decides what becomes a symbol of liburing-kvm-ffi: src/ffi.c defines
 * LIBURING_KVM_INLINE as nothing, which turns each function so marked into an
 * ordinary one.  The helpers marked _LIBURING_KVM_LOCAL stay static there too.
 */
#ifndef LIBURING_KVM_INLINE
#define LIBURING_KVM_INLINE static inline
#endif
#define _LIBURING_KVM_LOCAL static inline

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The blocking calls take up what -EINTR or -EAGAIN left undone.  They give up
 * after that many calls in a row that mapped nothing, a millisecond apart when
 * the reason is -EAGAIN.
 */
#define KVM_MAP_MEMORY_IDLE_CALLS 100

/* Parts of <linux/kvm.h>, which a user of this header need not have. */
#define __KVM_MAP_MEMORY_CHECK_EXTENSION _IO(KVMIO, 0x03)

_LIBURING_KVM_LOCAL int __kvm_map_memory_ioctl(int fd, unsigned long request,
					       unsigned long arg)
{
	int saved_errno = errno;
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		ret = -errno;
	errno = saved_errno;
	return ret;
}

/*
 * Tells whether a call that ended with error is to be made once more, and lets
 * a little time pass if that is for another thread to act first.
 */
_LIBURING_KVM_LOCAL int __kvm_map_memory_again(int error, int progress,
					       unsigned int *idle_calls)
{
	int saved_errno = errno;

	if (error != -EINTR && error != -EAGAIN)
		return 0;
	*idle_calls = progress ? 0 : *idle_calls + 1;
	if (*idle_calls >= KVM_MAP_MEMORY_IDLE_CALLS)
		return 0;
	if (error == -EAGAIN && !progress) {
		poll(NULL, 0, 1);
		errno = saved_errno;
	}
	return 1;
}

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

/* Bytes of the batch that are not mapped yet. */
LIBURING_KVM_INLINE __u64
kvm_map_memory_batch_left(const struct kvm_map_memory_batch *batch)
{
	const struct kvm_memory_mapping *mapping =
		(const struct kvm_memory_mapping *)
		(unsigned long)batch->mappings;
	__u64 left = 0;
	__u32 i;

	for (i = 0; i < batch->nr_mappings; i++)
		left += mapping[i].size;
	return left;
}

/*
 * A mask of KVM_MAP_MEMORY_FEATURE_*, for fd a VM or /dev/kvm; 0 if KVM lacks
 * them all; -ENOTTY, or what else ioctl() says, if fd is not KVM's.
 */
LIBURING_KVM_INLINE int kvm_map_memory_probe(int fd)
{
	return __kvm_map_memory_ioctl(fd, __KVM_MAP_MEMORY_CHECK_EXTENSION,
				      KVM_CAP_MAP_MEMORY);
}

/* The batch and its vector belong to the kernel until the CQE is there. */
LIBURING_KVM_INLINE void
io_uring_prep_kvm_map_memory(struct io_uring_sqe *sqe, int vm_fd,
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

/* Maps one range with the MMU of a vCPU. */
LIBURING_KVM_INLINE int
kvm_map_memory_vcpu(int vcpu_fd, struct kvm_memory_mapping *mapping)
{
	unsigned int idle_calls = 0;
	__u64 left;
	int ret;

	do {
		left = mapping->size;
		ret = __kvm_map_memory_ioctl(vcpu_fd, KVM_MAP_MEMORY,
					     (unsigned long)mapping);
	} while (ret < 0 && mapping->size &&
		 __kvm_map_memory_again(ret, mapping->size < left,
					&idle_calls));
	return ret;
}

/*
 * Maps a batch and waits for it.  The results in batch are those of all calls
 * together that it took.
 */
LIBURING_KVM_INLINE int
kvm_map_memory_batch_run(int vm_fd, struct kvm_map_memory_batch *batch)
{
	struct kvm_map_memory_batch part = *batch;
	__u64 mapped = 0, present = 0, skipped = 0;
	__u64 left = ~0ULL, left_before;
	unsigned int idle_calls = 0;
	__u32 workers_used = 0;
	int ret;

	do {
		/* Tells a call that came to mapping from one refused. */
		part.workers_used = 0;
		ret = __kvm_map_memory_ioctl(vm_fd, KVM_MAP_MEMORY_BATCH,
					     (unsigned long)&part);
		if (part.workers_used) {
			mapped += part.bytes_mapped;
			present += part.bytes_present;
			skipped += part.bytes_skipped;
			if (workers_used < part.workers_used)
				workers_used = part.workers_used;
		}
		/* A vector that the kernel refused is not to be trusted. */
		if (ret != -EINTR && ret != -EAGAIN)
			break;
		left_before = left;
		left = kvm_map_memory_batch_left(batch);
	} while (__kvm_map_memory_again(ret, left < left_before, &idle_calls));

	if (workers_used) {
		batch->bytes_mapped = mapped;
		batch->bytes_present = present;
		batch->bytes_skipped = skipped;
		batch->workers_used = workers_used;
		batch->first_undone = part.first_undone;
	}
	return ret;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBURING_KVM_H */
