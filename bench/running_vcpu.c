// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <liburing_kvm.h>
#include "kvm.h"
#include "latency_program.h"
#include "running_vcpu.h"
#include "trial.h"
#include "units.h"

#define ALIAS_BASE	(64 * GIB)
#define NR_ALIASES	16
#define TOUCHED_BYTES	(TOUCHED_PAGES * PAGE_SIZE)
#define TIMES_BYTES	(TOUCHED_PAGES * sizeof(uint64_t))
/* Room that guest_run() leaves. */
#define PROGRAM_OFFSET	(PAGE_SIZE / 2)

static uint8_t *touched_host(const struct running_vcpu *vcpu)
{
	return vcpu->guest.memory.host + vcpu->job_bytes;
}

static int map_times(struct running_vcpu *vcpu, struct failure *failure)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	int ret;

	kvm_memory_mapping_init(&mapping, GUEST_MEMORY_BASE +
				vcpu->job_bytes + TOUCHED_BYTES,
				TIMES_BYTES, 0);
	kvm_map_memory_batch_init(&batch, &mapping, 1, 1);
	ret = kvm_map_memory_batch_run(vcpu->guest.vm.fd, &batch);
	if (ret < 0)
		return fail_errno(failure, -ret, "KVM_MAP_MEMORY_BATCH");
	return trial_map_program(&vcpu->guest, failure);
}

static int show_often(struct running_vcpu *vcpu, struct failure *failure)
{
	unsigned int i;

	for (i = 0; i < NR_ALIASES; i++)
		if (vm_add_memory(&vcpu->guest.vm,
				  ALIAS_BASE + i * vcpu->job_bytes,
				  vcpu->guest.memory.host,
				  vcpu->job_bytes, failure) < 0)
			return -1;
	return 0;
}

int running_vcpu_create(struct running_vcpu *vcpu, int kvm_fd, struct failure *failure)
{
	struct guest *guest = &vcpu->guest;

	if (guest_create(guest, kvm_fd, memory_kind_find("4k"),
			 vcpu->job_bytes + TOUCHED_BYTES + TIMES_BYTES,
			 failure) < 0)
		return -1;
	memcpy(guest->program.host + PROGRAM_OFFSET, latency_program,
	       latency_program_end - latency_program);
	if (vcpu->resident &&
	    (memory_populate(guest->memory.host, vcpu->job_bytes,
			     failure) < 0 ||
	     show_often(vcpu, failure) < 0))
		return -1;
	/* The time is that of KVM's fault, not of the zeroing of memory. */
	if (memory_populate(touched_host(vcpu), TOUCHED_BYTES, failure) < 0)
		return -1;
	if (vm_create_vcpus(&guest->vm, 1, failure) < 0)
		return -1;
	return map_times(vcpu, failure);
}

void running_vcpu_destroy(struct running_vcpu *vcpu)
{
	guest_destroy(&vcpu->guest);
}

void running_vcpu_job(const struct running_vcpu *vcpu, struct kvm_memory_mapping *mapping)
{
	if (vcpu->resident)
		kvm_memory_mapping_init(mapping, ALIAS_BASE,
					NR_ALIASES * vcpu->job_bytes, 0);
	else
		kvm_memory_mapping_init(mapping, GUEST_MEMORY_BASE,
					vcpu->job_bytes, 0);
}

int running_vcpu_touch(struct running_vcpu *vcpu, struct failure *failure)
{
	uint64_t base = GUEST_MEMORY_BASE + vcpu->job_bytes;
	const struct kvm_regs registers = {
		.rip = PROGRAM_OFFSET,
		.rdi = base,
		.rsi = base + TOUCHED_BYTES,
		.r8 = base + TOUCHED_BYTES,
	};

	if (guest_run(&vcpu->guest, 0, &registers, failure) < 0)
		return -1;
	memcpy(vcpu->ticks, touched_host(vcpu) + TOUCHED_BYTES,
	       sizeof(vcpu->ticks));
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void add(struct entries *entries, const struct entry *of, const char *layout,
		double seconds)
{
	struct entry key = *of;

	key.layout = layout;
	entry_add_sample(entries_get(entries, &key), seconds);
}

int running_vcpu_record(struct running_vcpu *vcpu, const struct entry *of,
			struct entries *entries, struct failure *failure)
{
	int tsc_khz = ioctl(vcpu->guest.vm.vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	double per_tick = 0.001 / tsc_khz, sum = 0;
	unsigned int i;

	if (tsc_khz <= 0)
		return fail(failure, "the guest's TSC has no frequency");
	for (i = 0; i < TOUCHED_PAGES; i++)
		sum += vcpu->ticks[i];
	qsort(vcpu->ticks, TOUCHED_PAGES, sizeof(vcpu->ticks[0]), compare);
	add(entries, of, "median-fault", vcpu->ticks[TOUCHED_PAGES / 2] * per_tick);
	add(entries, of, "p99-fault", vcpu->ticks[TOUCHED_PAGES * 99 / 100] * per_tick);
	add(entries, of, "all-faults", sum * per_tick);
	return 0;
}
