/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A few places for VMs.  A place's descriptors have fixed numbers, which nothing
 * else uses: a call on one that another thread is closing meets that VM, its
 * successor, or EBADF, but never another kind of file.  Threads race to create and
 * close what is in them, which struct vm of the VMM library is not made for.
 */
#ifndef FUZZ_PLACE_H
#define FUZZ_PLACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "fuzz.h"
#include "region.h"

#define NR_VMS		3
#define NR_VCPUS	2
/* Slot 0 is the guest's program. */
#define NR_SLOTS	6

#define VM_FD(vm)		(200 + (vm))
#define VCPU_FD(vm, vcpu)	(210 + (vm) * NR_VCPUS + (vcpu))
#define GMEM_FD(vm, slot)	(220 + (vm) * (NR_SLOTS + 1) + (slot))

/* Each slot has a window of guest-physical memory, of which it covers a part. */
#define WINDOW_GPA(slot)	(SZ_1G + ((slot) - 1) * WINDOW_SIZE)
#define WINDOW_SIZE		(16 * SZ_1M)
#define WINDOW_PAGES		(WINDOW_SIZE / PAGE_SIZE)
#define WINDOWS_END		WINDOW_GPA(NR_SLOTS + 1)

#define NR_MAPPED		8

#define DIRTY_RING_BYTES	0x10000

struct slot {
	uint64_t gpa;
	uint64_t size;			/* 0: there is none */
	uint64_t hva;
	uint32_t flags;
};

struct place_vcpu {
	bool exists;
	struct kvm_run *run;
	struct kvm_dirty_gfn *dirty_ring;
	uint32_t dirty_next;
};

/*
 * The lock is for what changes the place, and for reading what is in it.  Other
 * calls on the VM do not take it.
 */
struct place {
	pthread_mutex_t lock;
	bool exists;
	bool protected;
	bool dirty_ring;
	struct place_vcpu vcpus[NR_VCPUS];
	struct slot slots[NR_SLOTS + 1];
	void *program;
	/* Pages that calls have mapped since guest and host were compared. */
	_Atomic uint64_t mapped[NR_MAPPED];
	atomic_uint nr_mapped;
	/* Address of the last batch with KVM_MAP_MEMORY_OWN_THREADS, maybe ended. */
	_Atomic uint64_t joinable;
	/* Pages of the windows that are private. */
	uint8_t private[NR_SLOTS * WINDOW_PAGES];
};

extern struct place places[NR_VMS];

void vms_init(struct rng *rng);
/* Under the place's lock. */
int place_create(unsigned int vm, struct rng *rng);
void place_close(unsigned int vm, bool vcpus_first);
int place_create_vcpu(unsigned int vm, unsigned int vcpu);
/* How many entries the vCPUs' dirty rings had. */
int place_harvest(unsigned int vm);
/* Sets it, or deletes it with size 0, and remembers it. */
int slot_set(unsigned int vm, unsigned int slot, const struct slot *new, bool gmem);

#endif /* FUZZ_PLACE_H */
