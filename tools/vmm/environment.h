/* SPDX-License-Identifier: GPL-2.0 */
/* The environment of a measurement. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

struct environment {
	char kernel[128];
	char kernel_command_line[512];
	char cpu_model[128];
	/* Online, and those that this process may run on. */
	int cpus;
	int cpus_allowed;
	char thp[64];
	char thp_shmem[64];
	/* "kvm_amd", "kvm_intel", or "". */
	char kvm_vendor[16];
	char tdp_mmu[8];
	/* "Y" or "N" of npt or ept. */
	char two_dimensional_paging[8];
	/* The mask of KVM_CAP_MAP_MEMORY. */
	int map_memory_features;
};

void environment_read(struct environment *environment, int kvm_fd);

#endif
