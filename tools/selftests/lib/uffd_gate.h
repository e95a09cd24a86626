/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A gate in guest memory: whoever touches its missing pages waits until the
 * test lets it pass.  It is what tests stop a job with at a known page.
 */
#ifndef SELFTESTS_UFFD_GATE_H
#define SELFTESTS_UFFD_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct uffd_gate {
	int fd;
	void *hva;
	uint64_t size;
};

/* False where userfaultfd is not there or not permitted. */
bool uffd_gate_close_off(struct uffd_gate *gate, void *hva, uint64_t size);
/* Waits until somebody stands at the gate; returns the page wanted. */
void *uffd_gate_wait(struct uffd_gate *gate);
/* True if somebody came to the gate since. */
bool uffd_gate_knocked(struct uffd_gate *gate);
/* Fills the pages with zeroes and lets everybody pass who waits for them. */
void uffd_gate_release(struct uffd_gate *gate, void *hva, uint64_t size);
void uffd_gate_destroy(struct uffd_gate *gate);

#endif /* SELFTESTS_UFFD_GATE_H */
