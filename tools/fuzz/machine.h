/* SPDX-License-Identifier: GPL-2.0 */
/* The machine's abilities, probed once. */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct machine {
	int kvm_fd;
	int run_size;
	int nr_cpus;
	int timeout_factor;		/* TEST_TIMEOUT_FACTOR, or 1 */
	uint64_t gpa_end;		/* 2 to the physical address width */
	bool protected_vms;
	bool dirty_ring;
	bool fail_nth;
	bool uffd;
	bool ksm;
	bool poison;
	bool freezer;
	bool namespaces;
};

extern struct machine machine;

/* What rows of the table of steps need of it. */
#define NEEDS_PROTECTED_VMS	NEEDS(machine.protected_vms, "no CONFIG_KVM_SW_PROTECTED_VM")
#define NEEDS_DIRTY_RING	NEEDS(machine.dirty_ring, "KVM has no dirty ring")
#define NEEDS_FAIL_NTH		NEEDS(machine.fail_nth, "no CONFIG_FAULT_INJECTION")
#define NEEDS_UFFD		NEEDS(machine.uffd, "no userfaultfd")
#define NEEDS_KSM		NEEDS(machine.ksm, "no KSM")
#define NEEDS_NAMESPACES	NEEDS(machine.namespaces, "no CONFIG_UTS_NS")
#define NEEDS_POISON		NEEDS(machine.poison, "no MADV_HWPOISON")

#define CGROUP_ROOT	"/sys/fs/cgroup"

/* Exits where there is no KVM with the feature. */
void machine_probe(void);

#endif /* FUZZ_MACHINE_H */
