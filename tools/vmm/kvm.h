/* SPDX-License-Identifier: GPL-2.0 */
/* KVM's user interface, with what the header of Debian 12 does not have yet. */
#ifndef VMM_KVM_H
#define VMM_KVM_H

#include <linux/kvm.h>

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

#endif
