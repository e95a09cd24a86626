// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "units.h"
#include "vm.h"

int vm_create(struct vm *vm, int kvm_fd, struct failure *failure)
{
	memset(vm, 0, sizeof(*vm));
	vm->kvm_fd = kvm_fd;
	vm->stats.fd = -1;
	vm->fd = kvm_create_vm(kvm_fd, 0);
	if (vm->fd < 0)
		return fail_errno(failure, -vm->fd, "KVM_CREATE_VM");
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
	int ret;

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
	ret = kvm_set_cpuid(vm->kvm_fd, vcpu->fd);
	return ret ? fail_errno(failure, -ret, "CPUID of the vCPU") : 0;
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
