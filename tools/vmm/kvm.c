// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "kvm.h"

#define KVM_API 12
#define MAX_CPUID_ENTRIES 256

int kvm_open(struct failure *failure)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		fail_unavailable(failure, "/dev/kvm: no permission");
		advise(failure,
		       "run as root, or have an administrator add you to the group kvm:\n"
		       "  adduser \"$USER\" kvm, then log in again\n");
		return -1;
	}
	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO)) {
		fail_unavailable(failure, "/dev/kvm: no such device, KVM is not loaded");
		advise(failure,
		       "as root: modprobe kvm_amd, or modprobe kvm_intel; dmesg tells why it fails.\n"
		       "Hardware virtualisation has to be enabled in the firmware, or, in a virtual\n"
		       "machine, to be passed on to it.  tools/testvm runs a command on an emulated\n"
		       "machine that has it.\n");
		return -1;
	}
	if (fd < 0)
		return fail_errno(failure, errno, "/dev/kvm");
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API) {
		close(fd);
		return fail(failure, "/dev/kvm: API version %d, not %d",
			    version, KVM_API);
	}
	return fd;
}

int kvm_create_vm(int kvm_fd, unsigned long type)
{
	int fd;

	/* Work that an io_uring ring left for this thread interrupts it, too. */
	do {
		fd = ioctl(kvm_fd, KVM_CREATE_VM, type);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int kvm_set_cpuid(int kvm_fd, int vcpu_fd)
{
	struct kvm_cpuid2 *cpuid;
	int ret = 0;

	cpuid = calloc(1, sizeof(*cpuid) +
		       MAX_CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = MAX_CPUID_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		ret = -errno;
	free(cpuid);
	return ret;
}

int kvm_pre_fault(int vcpu_fd, uint64_t base, uint64_t bytes)
{
	struct kvm_pre_fault_memory left = { .gpa = base, .size = bytes };

	/* A call may succeed with a part only. */
	while (left.size)
		if (ioctl(vcpu_fd, KVM_PRE_FAULT_MEMORY, &left) < 0 &&
		    errno != EINTR && errno != EAGAIN)
			return -errno;
	return 0;
}
