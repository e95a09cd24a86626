/* SPDX-License-Identifier: GPL-2.0 */
/* The pages of a memslot that were logged as dirty, by each of KVM's interfaces. */
#ifndef SELFTESTS_DIRTY_LOG_H
#define SELFTESTS_DIRTY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "kvm_util.h"

enum dirty_log_way {
	DIRTY_BITMAP,
	/* KVM_CLEAR_DIRTY_LOG clears, not reading. */
	DIRTY_BITMAP_MANUAL,
	/* The same, and all pages are dirty to begin with. */
	DIRTY_BITMAP_ALL_SET,
	DIRTY_RING,
};

#define DIRTY_RING_ENTRIES	4096

struct dirty_log {
	enum dirty_log_way way;
	struct kvm_vm *vm;
	uint32_t slot;
	uint64_t nr_pages;
};

/* Before there is a vCPU; false where KVM does not have it. */
bool dirty_log_choose(struct dirty_log *log, struct kvm_vm *vm,
		      enum dirty_log_way way, uint32_t slot, uint64_t nr_pages);

/*
 * Adds to @logged, a byte for each page, what was logged since the last time.
 * vCPUs may go on.  Returns how many pages that were, some perhaps twice.
 */
uint64_t dirty_log_collect(struct dirty_log *log, uint8_t *logged);

#endif /* SELFTESTS_DIRTY_LOG_H */
