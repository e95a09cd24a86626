/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A gate in guest memory: a thread that touches its missing pages waits until the
 * test lets it pass.  Tests use it to stop a job at a known page.
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

/* False if userfaultfd is missing or not permitted. */
bool uffd_gate_close_off(struct uffd_gate *gate, void *hva, uint64_t size);
/*
 * The same with one of UFFDIO_REGISTER_MODE_*; false also if the kernel does not
 * support that mode for all kinds of memory.
 */
bool uffd_gate_close_off_mode(struct uffd_gate *gate, void *hva, uint64_t size,
			      uint64_t mode);
/* Waits until a thread waits at the gate; returns the page that it needs. */
void *uffd_gate_wait(struct uffd_gate *gate);
/* The same for @ms milliseconds; NULL if no thread came. */
void *uffd_gate_poll(struct uffd_gate *gate, int ms);
/* True if a thread has come to the gate since. */
bool uffd_gate_knocked(struct uffd_gate *gate);
/* Fills the pages with zeroes and lets all threads pass that wait for them. */
void uffd_gate_release(struct uffd_gate *gate, void *hva, uint64_t size);
void uffd_gate_destroy(struct uffd_gate *gate);

#endif /* SELFTESTS_UFFD_GATE_H */
