/* SPDX-License-Identifier: GPL-2.0 */
/* The ways to prepare guest memory before the guest runs. */
#ifndef METHOD_H
#define METHOD_H

#include <stdbool.h>
#include <linux/kvm_map_memory.h>
#include "guest.h"

/* A piece of one guest's memory, and what came of preparing it. */
struct preparation {
	struct guest *guest;
	uint64_t base;
	uint8_t *host;
	uint64_t bytes;
	/* To prepare these ranges of it only, in whole pages; else NULL. */
	const struct kvm_memory_mapping *ranges;
	size_t nr_ranges;
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

/* Its ranges and their number; if it has none, all of it, as stored in whole. */
const struct kvm_memory_mapping *
preparation_ranges(const struct preparation *preparation,
		   struct kvm_memory_mapping *whole, size_t *nr);

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
extern const struct method method_session;

/*
 * The only list of them: what is added here, every program has.  A table begins
 * with it, more of the program's own may follow, and NULL ends it.
 */
#define METHODS				\
	&method_none,			\
	&method_pre_fault,		\
	&method_populate,		\
	&method_populate_pre_fault,	\
	&method_vcpu,			\
	&method_ioctl,			\
	&method_uring,			\
	&method_session

/* No table has more than these, for arrays of them. */
#define METHODS_MAX	16

extern const struct method * const methods[];

/*
 * Those of a table that a list names, separated by commas, or all of them.
 * chosen has room for METHODS_MAX and a NULL.  0, or -1 and a reason.
 */
int methods_parse(const char *list, const struct method * const *table,
		  const struct method **chosen, struct failure *failure);

/* For the methods of KVM_MAP_MEMORY: whether /dev/kvm has the features. */
int map_memory_check(int kvm_fd, unsigned int features,
		     struct failure *failure);
/* What they need, of the loaded modules: 0, or -1 and a reason. */
int nested_paging_check(struct failure *failure);
int tdp_mmu_check(struct failure *failure);

#endif
