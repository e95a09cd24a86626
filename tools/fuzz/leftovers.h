/* SPDX-License-Identifier: GPL-2.0 */
/* Things that must be gone in the end. */
#ifndef FUZZ_LEFTOVERS_H
#define FUZZ_LEFTOVERS_H

#include <stdint.h>

#include "fuzz.h"

struct leftovers {
	unsigned int uses;
	uint64_t page_tables_kib;
};

/* Call it before there is a VM. */
void leftovers_note(struct leftovers *before);
/*
 * After the threads have ended: first the helper threads are gone, while their
 * VMs are still there; then the VMs are closed, and nothing of them is left.
 */
void leftovers_check(struct thread *thread, const struct leftovers *before);

#endif /* FUZZ_LEFTOVERS_H */
