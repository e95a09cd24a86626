/* SPDX-License-Identifier: GPL-2.0 */
/* A KVM virtual machine: file descriptors, memory slots, vCPUs, statistics. */
#ifndef VM_H
#define VM_H

#include <stddef.h>
#include <stdint.h>
#include "failure.h"
#include "kvm.h"
#include "stats.h"

#define VM_MAX_VCPUS 256

struct vcpu {
	int fd;
	struct stats stats;
	int64_t faults_position;
	/* Shared with KVM. */
	struct kvm_run *run;
	size_t run_size;
};

struct vm {
	int kvm_fd;
	int fd;
	unsigned int nr_slots;
	struct stats stats;
	unsigned int nr_vcpus;
	struct vcpu vcpus[VM_MAX_VCPUS];
};

/* kvm_fd stays the caller's.  vm_destroy() may follow whatever it returns. */
int vm_create(struct vm *vm, int kvm_fd, struct failure *failure);
void vm_destroy(struct vm *vm);
int vm_add_memory(struct vm *vm, uint64_t base, void *host, uint64_t bytes,
		  struct failure *failure);
/* Adds vCPUs until there are nr. */
int vm_create_vcpus(struct vm *vm, unsigned int nr, struct failure *failure);
/* Stage-2 faults that its vCPUs took so far. */
uint64_t vm_faults(const struct vm *vm);

/* Pages in the second-level page tables, by size. */
struct vm_pages {
	uint64_t of_4k;
	uint64_t of_2m;
	uint64_t of_1g;
};

void vm_count_pages(const struct vm *vm, struct vm_pages *pages);
uint64_t vm_pages_bytes(const struct vm_pages *pages);

#endif
