/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VM whose guest makes passes over memory on demand, and the number of
 * stage-2 faults each pass took.
 */
#ifndef SELFTESTS_TEST_VM_H
#define SELFTESTS_TEST_VM_H

#include <linux/sizes.h>

#include "kvm_util.h"
#include "processor.h"

#include <linux/kvm_map_memory.h>

/* Clear of the library's slot 0 and of KVM's own slots below 4 GiB. */
#define TEST_GPA	(3ULL * SZ_1G)
#define TEST_SLOT	10

#define TEST_MAX_VCPUS	4

/* The actions of a guest pass on the first word of every page. */
#define PASS_READ	(1U << 0)	/* read it */
#define PASS_VERIFY	(1U << 1)	/* it has to be expect + page number */
#define PASS_WRITE	(1U << 2)	/* write value + page number */
#define PASS_FOREVER	(1U << 3)	/* start again until told to stop */
#define PASS_CONVERTED	(1U << 4)	/* memory becomes private and shared meanwhile */

struct guest_pass {
	uint64_t gpa;
	uint64_t nr_pages;
	uint64_t stride;	/* in pages; 0 is 1 */
	uint64_t ops;
	uint64_t expect;
	uint64_t value;
};

/*
 * The guest-physical memory from 1 to 8 GiB has the same guest-virtual
 * address, by 1 GiB guest pages: a pass walks no guest page table that the
 * guest's own code does not walk, so that its faults are those of the memory
 * under test alone.
 */
struct kvm_vm *test_vm_create(unsigned int nr_vcpus, struct kvm_vcpu **vcpus);
struct kvm_vm *test_vm_create_type(unsigned long type, unsigned int nr_vcpus,
				   struct kvm_vcpu **vcpus);
struct kvm_vcpu *test_vm_add_vcpu(struct kvm_vm *vm, uint32_t id);

/* Adds a slot of @size bytes and returns its host address. */
void *test_slot_add(struct kvm_vm *vm, uint32_t slot, uint64_t gpa,
		    uint64_t size, enum vm_mem_backing_src_type src);
/* Adds a slot on memory of the caller's; the caller deletes it, if ever. */
void test_slot_set(struct kvm_vm *vm, uint32_t slot, uint32_t flags,
		   uint64_t gpa, uint64_t size, void *hva);
void test_slot_delete(struct kvm_vm *vm, uint32_t slot);
/*
 * From now on what is deleted or moved of memslots takes its own page-table entries
 * along and no others (KVM_X86_QUIRK_SLOT_ZAP_ALL).  False if KVM cannot do that.
 */
bool test_zap_slots_alone(struct kvm_vm *vm);

/* Private anonymous memory in 4 KiB pages, aligned to 2 MiB. */
void *test_mem_alloc(uint64_t size);

/* Makes the pass; returns the stage-2 faults that it took. */
uint64_t guest_pass(struct kvm_vcpu *vcpu, const struct guest_pass *pass);
/* A pass that reads and then writes each page; the host checks the words. */
uint64_t guest_read_write(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size,
			  void *hva);
uint64_t guest_read(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size);
/* The first word of each page has to be @expect plus its number. */
uint64_t guest_verify(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size,
		      uint64_t expect);
uint64_t guest_write(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size);

/*
 * A pass without the preparing one and in pieces, for tests that have the
 * guest run in a thread of its own.  A pass with PASS_FOREVER ends when
 * guest_pass_stop() was called.
 */
void guest_pass_run(struct kvm_vcpu *vcpu, const struct guest_pass *pass);
/* The same where KVM_RUN may fail: its result. */
int __guest_pass_run(struct kvm_vcpu *vcpu, const struct guest_pass *pass);
void guest_pass_stop(struct kvm_vcpu *vcpu);
/* Pages touched so far by the pass that runs. */
uint64_t guest_pass_progress(struct kvm_vcpu *vcpu);

/*
 * The guest does @ops, a read or a write, where it finds no memory, or none for
 * that: true if userspace was asked to emulate it.
 */
bool guest_meets_mmio(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t ops);

uint64_t vcpu_get_stat(struct kvm_vcpu *vcpu, const char *name);

#endif /* SELFTESTS_TEST_VM_H */
