// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "kvm.h"
#include "units.h"
#include "vm.h"

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

int vm_create(struct vm *vm, int kvm_fd, struct failure *failure)
{
	memset(vm, 0, sizeof(*vm));
	vm->kvm_fd = kvm_fd;
	vm->stats.fd = -1;
	/* Work that an io_uring ring left for this thread interrupts it, too. */
	do {
		vm->fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0)
		return fail_errno(failure, errno, "KVM_CREATE_VM");
	return stats_open(&vm->stats, vm->fd, failure);
}

void vm_destroy(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		if (vm->vcpus[i].run)
			munmap(vm->vcpus[i].run, vm->vcpus[i].run_size);
		stats_close(&vm->vcpus[i].stats);
		close(vm->vcpus[i].fd);
	}
	stats_close(&vm->stats);
	if (vm->fd >= 0)
		close(vm->fd);
	memset(vm, 0, sizeof(*vm));
	vm->fd = -1;
	vm->stats.fd = -1;
}

int vm_add_memory(struct vm *vm, uint64_t base, void *host, uint64_t bytes,
		  struct failure *failure)
{
	struct kvm_userspace_memory_region region = {
		.slot = vm->nr_slots,
		.guest_phys_addr = base,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)host,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return fail(failure, "%llu MiB of guest memory at %#llx: %s",
			    (unsigned long long)(bytes / MIB),
			    (unsigned long long)base, strerror(errno));
	vm->nr_slots++;
	return 0;
}

/* Gives the vCPU what KVM can do: the guest's page tables use 1 GiB pages. */
static int set_cpuid(const struct vm *vm, int vcpu_fd, struct failure *failure)
{
	struct kvm_cpuid2 *cpuid;
	int error = 0;

	cpuid = calloc(1, sizeof(*cpuid) +
		       MAX_CPUID_ENTRIES * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return fail_errno(failure, ENOMEM, "CPUID of the vCPU");
	cpuid->nent = MAX_CPUID_ENTRIES;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0 ||
	    ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		error = errno;
	free(cpuid);
	return error ? fail_errno(failure, error, "CPUID of the vCPU") : 0;
}

static int map_run(const struct vm *vm, struct vcpu *vcpu,
		   struct failure *failure)
{
	int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (size < 0)
		return fail_errno(failure, errno, "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vcpu->fd, 0);
	if (run == MAP_FAILED)
		return fail_errno(failure, errno, "struct kvm_run");
	vcpu->run = run;
	vcpu->run_size = size;
	return 0;
}

static int add_vcpu(struct vm *vm, struct failure *failure)
{
	struct vcpu *vcpu = &vm->vcpus[vm->nr_vcpus];

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, vm->nr_vcpus);
	if (vcpu->fd < 0)
		return fail(failure, "KVM_CREATE_VCPU %u: %s", vm->nr_vcpus,
			    strerror(errno));
	vcpu->stats.fd = -1;
	vm->nr_vcpus++;
	if (stats_open(&vcpu->stats, vcpu->fd, failure) < 0)
		return -1;
	vcpu->faults_position = stats_find(&vcpu->stats, "pf_taken");
	if (vcpu->faults_position < 0)
		return fail(failure,
			    "KVM has no statistic pf_taken (Linux 6.0 and later)");
	if (map_run(vm, vcpu, failure) < 0)
		return -1;
	return set_cpuid(vm, vcpu->fd, failure);
}

int vm_create_vcpus(struct vm *vm, unsigned int nr, struct failure *failure)
{
	if (nr > VM_MAX_VCPUS)
		return fail(failure, "more than %d vCPUs", VM_MAX_VCPUS);
	while (vm->nr_vcpus < nr)
		if (add_vcpu(vm, failure) < 0)
			return -1;
	return 0;
}

uint64_t vm_faults(const struct vm *vm)
{
	uint64_t faults = 0;
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		faults += stats_read(&vm->vcpus[i].stats,
				     vm->vcpus[i].faults_position);
	return faults;
}

void vm_count_pages(const struct vm *vm, struct vm_pages *pages)
{
	const struct stats *stats = &vm->stats;

	pages->of_4k = stats_read(stats, stats_find(stats, "pages_4k"));
	pages->of_2m = stats_read(stats, stats_find(stats, "pages_2m"));
	pages->of_1g = stats_read(stats, stats_find(stats, "pages_1g"));
}

uint64_t vm_pages_bytes(const struct vm_pages *pages)
{
	return pages->of_4k * PAGE_SIZE + pages->of_2m * 2 * MIB +
	       pages->of_1g * GIB;
}
