/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * KVM_MAP_MEMORY: fill a guest's second-level page tables before it runs.
 *
 * Three entries share the structures below and do the same work:
 *
 *   ioctl(vcpu_fd, KVM_MAP_MEMORY, struct kvm_memory_mapping *)
 *	one range, by the calling thread, with the MMU of that vCPU;
 *   ioctl(vm_fd, KVM_MAP_MEMORY_BATCH, struct kvm_map_memory_batch *)
 *	a vector of ranges, by several threads; returns when they are done;
 *   IORING_OP_URING_CMD on vm_fd with cmd_op KVM_MAP_MEMORY_BATCH
 *	the same vector, asynchronously: the result is the res of a CQE.
 *
 * Documentation/api.rst gives the semantics and every errno.
 *
 * Include the header before or after <linux/kvm.h>.
 */
#ifndef _UAPI_LINUX_KVM_MAP_MEMORY_H
#define _UAPI_LINUX_KVM_MAP_MEMORY_H

#include <linux/ioctl.h>
#include <linux/types.h>

#ifndef KVMIO
#define KVMIO 0xAE
#endif

/*
 * For KVM_CHECK_EXTENSION, on /dev/kvm or on a VM.  It returns a mask of
 * KVM_MAP_MEMORY_FEATURE_*; 0 means that none of them is available: not on
 * this machine (/dev/kvm), or not for this kind of VM (VM).
 */
#define KVM_CAP_MAP_MEMORY 0x4b500000

/* The ioctl KVM_MAP_MEMORY on a vCPU. */
#define KVM_MAP_MEMORY_FEATURE_VCPU	(1U << 0)
/* The ioctl KVM_MAP_MEMORY_BATCH on a VM. */
#define KVM_MAP_MEMORY_FEATURE_BATCH	(1U << 1)
/* The io_uring command KVM_MAP_MEMORY_BATCH on a VM. */
#define KVM_MAP_MEMORY_FEATURE_URING	(1U << 2)
/* The flag KVM_MEMORY_MAPPING_READ. */
#define KVM_MAP_MEMORY_FEATURE_READ	(1U << 3)
/* The flag KVM_MEMORY_MAPPING_RESIDENT. */
#define KVM_MAP_MEMORY_FEATURE_RESIDENT	(1U << 4)
/* The flag KVM_MAP_MEMORY_KEEP_HELPERS, and KVM_MAP_MEMORY_END_HELPERS. */
#define KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS	(1U << 5)
/* The flag KVM_MAP_MEMORY_OWN_THREADS, and KVM_MAP_MEMORY_JOIN. */
#define KVM_MAP_MEMORY_FEATURE_OWN_THREADS	(1U << 6)
/* The field progress of a batch. */
#define KVM_MAP_MEMORY_FEATURE_PROGRESS	(1U << 7)
/* The flag KVM_MAP_MEMORY_BACKGROUND. */
#define KVM_MAP_MEMORY_FEATURE_BACKGROUND	(1U << 8)

/*
 * Map as a read would: break no copy-on-write, keep KSM and zero pages
 * shared.  Memory never touched before becomes the shared zero page and the
 * guest's first write to it still faults.
 *
 * Without the flag a range is mapped as a write would map it: memory never
 * touched is allocated and mapped writable.  Read-only memslots are always
 * mapped as a read would.
 */
#define KVM_MEMORY_MAPPING_READ		(1ULL << 0)
/*
 * Map the pages that are in memory now.  Skip pages that would have to be
 * allocated, read from a disk or fetched through userfaultfd, and do not wait
 * for them.  A kernel that does not know the flag returns -EINVAL.
 */
#define KVM_MEMORY_MAPPING_RESIDENT	(1ULL << 1)
#define KVM_MEMORY_MAPPING_FLAGS_ALL	\
	(KVM_MEMORY_MAPPING_READ | KVM_MEMORY_MAPPING_RESIDENT)

/*
 * A range of guest-physical memory of the L1 guest outside SMM.
 *
 * In and out: on return base_address and size are the range that is left to
 * do, and size 0 means done.  A batch may have mappings that are done, and
 * leaves them alone, so the same vector can be submitted again after any error.
 */
struct kvm_memory_mapping {
	/* in/out: bytes, a multiple of the host's page size (x86: 4096). */
	__u64 base_address;
	/*
	 * in/out: bytes, a multiple of the host's page size, no wrap-around.
	 * in: not 0 for a vCPU, nor for all mappings of a batch.
	 */
	__u64 size;
	/* in: KVM_MEMORY_MAPPING_*. */
	__u64 flags;
};

/* Limits of one struct kvm_map_memory_batch. */
#define KVM_MAP_MEMORY_MAX_MAPPINGS	65536
#define KVM_MAP_MEMORY_MAX_WORKERS	256

/*
 * Flags of a batch.  OWN_THREADS goes with no other.
 *
 * KEEP_HELPERS: helper threads stay for up to a second after the batch, for the
 * next one of the VM.  Without the flag they end with it: the process then has no
 * thread that it did not make.
 */
#define KVM_MAP_MEMORY_KEEP_HELPERS	(1ULL << 0)
/* OWN_THREADS: make no helpers; threads of the VMM take part by KVM_MAP_MEMORY_JOIN. */
#define KVM_MAP_MEMORY_OWN_THREADS	(1ULL << 1)
/*
 * BACKGROUND: all threads that map have the policy SCHED_IDLE meanwhile, the
 * submitting one included: they take only CPU time that no other thread of their
 * CPU and cgroup wants.  A real-time thread that submits keeps its policy.
 */
#define KVM_MAP_MEMORY_BACKGROUND	(1ULL << 2)
#define KVM_MAP_MEMORY_BATCH_FLAGS_ALL	\
	(KVM_MAP_MEMORY_KEEP_HELPERS | KVM_MAP_MEMORY_OWN_THREADS | \
	 KVM_MAP_MEMORY_BACKGROUND)

/*
 * How far a running batch is, for the VMM to read at any time.  Each field only grows,
 * at least every 64 MiB and, unless a single page takes longer, every 100 ms.  They
 * are written one by one, each at once, and are exact when the call has returned or
 * the CQE is posted.
 */
struct kvm_map_memory_progress {
	/* out: bytes of all mappings together, from the start. */
	__u64 bytes_total;
	/* out: as in struct kvm_map_memory_batch. */
	__u64 bytes_mapped;
	__u64 bytes_present;
	__u64 bytes_skipped;
};

struct kvm_map_memory_batch {
	/*
	 * in: user address of nr_mappings struct kvm_memory_mapping, each of
	 * them in/out.  They belong to the kernel until the call has returned
	 * or the CQE is posted.
	 */
	__u64 mappings;
	/* in: 1 to KVM_MAP_MEMORY_MAX_MAPPINGS. */
	__u32 nr_mappings;
	/*
	 * in: the most threads that may map at the same time, the submitting
	 * one included, up to KVM_MAP_MEMORY_MAX_WORKERS; 0 for as many as
	 * the submitting thread has CPUs to run on, or with
	 * KVM_MAP_MEMORY_OWN_THREADS for as many as come.
	 */
	__u32 nr_workers;
	/* in: KVM_MAP_MEMORY_KEEP_HELPERS and others, or 0. */
	__u64 flags;
	/* out: bytes that this call mapped. */
	__u64 bytes_mapped;
	/* out: bytes found already mapped, and left alone. */
	__u64 bytes_present;
	/* out: bytes skipped because of KVM_MEMORY_MAPPING_RESIDENT. */
	__u64 bytes_skipped;
	/* out: how many threads took part. */
	__u32 workers_used;
	/*
	 * out: index of the first mapping that is not done, whose error is
	 * the result; nr_mappings if all are done.
	 */
	__u32 first_undone;
	/*
	 * in: user address of a struct kvm_map_memory_progress, a multiple of 8, or 0.
	 * If its memory goes away while the batch is running, only the progress is lost.
	 */
	__u64 progress;
	/* in: must be 0. */
	__u64 reserved[8];
};

/* On a vCPU. */
#define KVM_MAP_MEMORY		_IOWR(KVMIO, 0xf0, struct kvm_memory_mapping)
/* On a VM; also the cmd_op of the io_uring command. */
#define KVM_MAP_MEMORY_BATCH	_IOWR(KVMIO, 0xf1, struct kvm_map_memory_batch)
/*
 * On a VM: the calling thread maps for the running batch at that address, which has
 * KVM_MAP_MEMORY_OWN_THREADS, until nothing is left to take.  The structure is not
 * accessed.  -ENOENT if no such batch is running or all is taken.
 */
#define KVM_MAP_MEMORY_JOIN	_IOW(KVMIO, 0xf2, struct kvm_map_memory_batch)
/* On a VM: end the helper threads that are kept, and wait until they are gone. */
#define KVM_MAP_MEMORY_END_HELPERS	_IO(KVMIO, 0xf3)

/*
 * The 16 bytes of sqe->cmd of the io_uring command.  The SQE's other fields
 * that depend on the opcode (addr, len, uring_cmd_flags, buf_index) must be 0.
 */
struct kvm_map_memory_cmd {
	/*
	 * in: user address of a struct kvm_map_memory_batch, which belongs to
	 * the kernel until the CQE is posted.
	 */
	__u64 batch;
	/* in: must be 0. */
	__u64 reserved;
};

#endif /* _UAPI_LINUX_KVM_MAP_MEMORY_H */
