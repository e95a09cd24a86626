/* SPDX-License-Identifier: GPL-2.0 */
/* The ways to prepare guest memory before the guest runs. */
#ifndef METHOD_H
#define METHOD_H

#include <stdbool.h>
#include "guest.h"

/* One range of one guest, and what came of preparing it. */
struct preparation {
	struct guest *guest;
	uint64_t base;
	uint8_t *host;
	uint64_t bytes;
	/* Threads get whole pages of that size. */
	uint64_t page_size;
	/* As asked for, 0 for the default, and as many as that is. */
	unsigned int workers_asked;
	unsigned int workers;

	/* Results. */
	unsigned int workers_used;
	/* Whether the kernel reported the following. */
	bool counted;
	uint64_t bytes_mapped;
	uint64_t bytes_present;
};

struct method {
	const char *name;
	const char *summary;
	/* Works on vCPUs, one for each worker. */
	bool needs_vcpus;
	/* Whether this kernel has it; may be NULL. */
	int (*check)(int kvm_fd, struct failure *failure);
	int (*prepare)(struct preparation *preparation,
		       struct failure *failure);
};

extern const struct method method_none;
extern const struct method method_pre_fault;
extern const struct method method_populate;
extern const struct method method_populate_pre_fault;
extern const struct method method_vcpu;
extern const struct method method_ioctl;
extern const struct method method_uring;

/* All methods; NULL marks the end. */
extern const struct method * const methods[];

const struct method *method_find(const char *name);

/* For the methods of KVM_MAP_MEMORY: whether /dev/kvm has the features. */
int map_memory_check(int kvm_fd, unsigned int features,
		     struct failure *failure);

#endif
