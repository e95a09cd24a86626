/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM's user interface, with what the header of Debian 12 does not have yet, and
 * what every VMM here does with it.
 */
#ifndef VMM_KVM_H
#define VMM_KVM_H

#include <stdint.h>
#include <linux/kvm.h>
#include "failure.h"

#ifndef KVM_CAP_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY 236
#define KVM_PRE_FAULT_MEMORY _IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)

struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};
#endif

/* Opens /dev/kvm; returns it, the caller's to close, or -1 and a reason. */
int kvm_open(struct failure *failure);
/*
 * Returns the VM, the caller's to close, or a negative errno; no signal
 * interrupts it.  type is one of KVM_X86_*_VM, or 0.
 */
int kvm_create_vm(int kvm_fd, unsigned long type);
/* Gives a vCPU all that KVM can do.  0, or a negative errno. */
int kvm_set_cpuid(int kvm_fd, int vcpu_fd);
/* KVM_PRE_FAULT_MEMORY until all is done.  0, or a negative errno. */
int kvm_pre_fault(int vcpu_fd, uint64_t base, uint64_t bytes);

#endif
