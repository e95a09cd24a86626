// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "kvm.h"
#include "long_mode.h"
#include "machine.h"
#include "place.h"

struct place places[NR_VMS];

static int enable_cap(unsigned int vm, uint32_t cap, uint64_t argument)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { argument } };

	return ioctl(VM_FD(vm), KVM_ENABLE_CAP, &enable) ? -errno : 0;
}

int slot_set(unsigned int vm, unsigned int nr, const struct slot *new, bool gmem)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = nr,
		.flags = new->flags,
		.guest_phys_addr = new->gpa,
		.memory_size = new->size,
		.userspace_addr = new->hva,
	};
	struct kvm_create_guest_memfd create = { .size = REGION_SIZE };
	struct slot *slot = &places[vm].slots[nr];
	int fd;

	if (gmem) {
		fd = ioctl(VM_FD(vm), KVM_CREATE_GUEST_MEMFD, &create);
		if (fd < 0)
			return -errno;
		dup3(fd, GMEM_FD(vm, nr), O_CLOEXEC);
		close(fd);
		region.flags |= KVM_MEM_GUEST_MEMFD;
		region.guest_memfd = GMEM_FD(vm, nr);
	}

	/* Its first members are those of struct kvm_userspace_memory_region. */
	if (ioctl(VM_FD(vm), gmem ? KVM_SET_USER_MEMORY_REGION2 :
		  KVM_SET_USER_MEMORY_REGION, &region))
		return -errno;
	*slot = *new;
	slot->flags = region.flags;
	return 0;
}

int place_create(unsigned int vm, struct rng *rng)
{
	struct place *place = &places[vm];
	const struct slot program = {
		.size = long_mode_bytes(WINDOWS_END),
		.hva = (uint64_t)place->program,
	};
	int fd;

	place->protected = machine.protected_vms && rng_percent(rng, 40);
	fd = kvm_create_vm(machine.kvm_fd, place->protected ?
			   KVM_X86_SW_PROTECTED_VM : KVM_X86_DEFAULT_VM);
	if (fd < 0)
		return fd;
	dup3(fd, VM_FD(vm), O_CLOEXEC);
	close(fd);

	/* Then memslots do not take all page tables with them. */
	if (rng_percent(rng, 30))
		enable_cap(vm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_SLOT_ZAP_ALL);
	if (rng_percent(rng, 30))
		enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
			   KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
			   KVM_DIRTY_LOG_INITIALLY_SET);
	place->dirty_ring = machine.dirty_ring && rng_percent(rng, 40) &&
			    !enable_cap(vm, KVM_CAP_DIRTY_LOG_RING, DIRTY_RING_BYTES);

	memset(place->private, 0, sizeof(place->private));
	place->exists = true;
	return slot_set(vm, 0, &program, false);
}

static void vcpu_close(unsigned int vm, unsigned int nr)
{
	struct place_vcpu *vcpu = &places[vm].vcpus[nr];

	if (!vcpu->exists)
		return;
	if (vcpu->run)
		munmap(vcpu->run, machine.run_size);
	if (vcpu->dirty_ring)
		munmap(vcpu->dirty_ring, DIRTY_RING_BYTES);
	close(VCPU_FD(vm, nr));
	memset(vcpu, 0, sizeof(*vcpu));
}

void place_close(unsigned int vm, bool vcpus_first)
{
	struct place *place = &places[vm];
	unsigned int i;

	if (!place->exists)
		return;
	if (!vcpus_first)
		close(VM_FD(vm));
	for (i = 0; i < NR_VCPUS; i++)
		vcpu_close(vm, i);
	for (i = 0; i <= NR_SLOTS; i++)
		close(GMEM_FD(vm, i));
	if (vcpus_first)
		close(VM_FD(vm));
	memset(place->slots, 0, sizeof(place->slots));
	place->exists = false;
}

int place_create_vcpu(unsigned int vm, unsigned int nr)
{
	struct place_vcpu *vcpu = &places[vm].vcpus[nr];
	void *mem;
	int fd, ret;

	fd = ioctl(VM_FD(vm), KVM_CREATE_VCPU, nr);
	if (fd < 0)
		return -errno;
	/* Others must not run it before: KVM then refuses another CPUID. */
	ret = access_prepare_vcpu(fd);
	dup3(fd, VCPU_FD(vm, nr), O_CLOEXEC);
	close(fd);
	fd = VCPU_FD(vm, nr);
	vcpu->exists = true;

	mem = mmap(NULL, machine.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem != MAP_FAILED)
		vcpu->run = mem;
	if (places[vm].dirty_ring) {
		mem = mmap(NULL, DIRTY_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, KVM_DIRTY_LOG_PAGE_OFFSET * PAGE_SIZE);
		if (mem != MAP_FAILED)
			vcpu->dirty_ring = mem;
	}
	return ret;
}

int place_harvest(unsigned int vm)
{
	struct place *place = &places[vm];
	struct kvm_dirty_gfn *gfn;
	struct place_vcpu *vcpu;
	unsigned int i;
	int nr = 0;

	for (i = 0; i < NR_VCPUS; i++) {
		vcpu = &place->vcpus[i];
		while (vcpu->dirty_ring) {
			gfn = &vcpu->dirty_ring[vcpu->dirty_next %
						(DIRTY_RING_BYTES / sizeof(*gfn))];
			if (__atomic_load_n(&gfn->flags, __ATOMIC_ACQUIRE) !=
			    KVM_DIRTY_GFN_F_DIRTY)
				break;
			__atomic_store_n(&gfn->flags, KVM_DIRTY_GFN_F_RESET,
					 __ATOMIC_RELEASE);
			vcpu->dirty_next++;
			nr++;
		}
	}
	return nr;
}

/* Empty VMs are of little use. */
static void vm_fill(unsigned int vm, struct rng *rng)
{
	unsigned int i;

	for (i = 1; i <= NR_SLOTS; i++) {
		struct slot slot = {
			.gpa = WINDOW_GPA(i),
			.size = SZ_4M,
			.hva = region_start(rng_below(rng, nr_regions)),
		};
		bool gmem = rng_percent(rng, 40);

		slot_set(vm, i, &slot, gmem && places[vm].protected);
	}
}

STEP(vm_create, 10, "create a VM");
STEP(vcpu_create, 10, "create a vCPU");

static void create(unsigned int vm, unsigned int nr_vcpus, struct rng *rng)
{
	int ret = place_create(vm, rng);
	unsigned int i;

	count_call(&step_vm_create, ret);
	if (ret)
		return;
	for (i = 0; i < nr_vcpus; i++)
		count_call(&step_vcpu_create, place_create_vcpu(vm, i));
	vm_fill(vm, rng);
}

static void make_vm_create(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	unsigned int nr_vcpus = rng_below(&thread->rng, NR_VCPUS + 1);
	struct place *place = &places[vm];

	call_begin(thread, "create VM %u with %u vCPUs", vm, nr_vcpus);
	pthread_mutex_lock(&place->lock);
	if (!place->exists)
		create(vm, nr_vcpus, &thread->rng);
	pthread_mutex_unlock(&place->lock);
	call_end(thread);
}

STEP(vm_close, 2, "close a VM");

static void make_vm_close(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	bool vcpus_first = rng_percent(&thread->rng, 50);
	struct place *place = &places[vm];

	call_begin(thread, "close VM %u, %s first", vm, vcpus_first ? "vCPUs" : "the VM");
	pthread_mutex_lock(&place->lock);
	if (place->exists) {
		place_close(vm, vcpus_first);
		count_call(&step_vm_close, 0);
	}
	pthread_mutex_unlock(&place->lock);
	call_end(thread);
}

STEP(vm_close_copy, 12, "close a copy of a VM's descriptor");

/* It cancels the VM's jobs. */
static void make_vm_close_copy(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	int fd;

	call_begin(thread, "close a copy of the descriptor of VM %u", vm);
	fd = fcntl(VM_FD(vm), F_DUPFD_CLOEXEC, 400);
	count_call(&step_vm_close_copy, fd < 0 ? -errno : 0);
	if (fd >= 0)
		close(fd);
	call_end(thread);
}

static void make_vcpu_create(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	unsigned int vcpu = rng_below(&thread->rng, NR_VCPUS);
	struct place *place = &places[vm];

	call_begin(thread, "create vCPU %u of VM %u", vcpu, vm);
	pthread_mutex_lock(&place->lock);
	if (place->exists && !place->vcpus[vcpu].exists)
		count_call(&step_vcpu_create, place_create_vcpu(vm, vcpu));
	pthread_mutex_unlock(&place->lock);
	call_end(thread);
}

/* There are VMs with all vCPUs, with some, and with none. */
void vms_init(struct rng *rng)
{
	unsigned int i;

	for (i = 0; i < NR_VMS; i++) {
		pthread_mutex_init(&places[i].lock, NULL);
		places[i].program = access_map_program(WINDOWS_END);
		create(i, i % (NR_VCPUS + 1), rng);
	}
}
