/* SPDX-License-Identifier: MIT */
#ifndef KVM_CREATE_VM_H
#define KVM_CREATE_VM_H

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

/*
 * A ring that was closed leaves work to the thread that made it, whenever the kernel
 * gets to it, and such work interrupts KVM_CREATE_VM as a signal does.
 */
static inline int kvm_create_vm(int kvm_fd)
{
	int fd;

	do {
		fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	} while (fd < 0 && errno == EINTR);
	return fd;
}

#endif /* KVM_CREATE_VM_H */
