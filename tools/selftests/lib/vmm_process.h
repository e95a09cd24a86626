/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VMM that is a process of its own, so that all of it can end.  It reports its
 * progress to the test through a pipe.
 */
#ifndef SELFTESTS_VMM_PROCESS_H
#define SELFTESTS_VMM_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct vmm_process {
	pid_t pid;
	uint64_t page_tables_kib;	/* before it began */
	int to_test;			/* the VMM's end of the pipe */
	int from_vmm;
};

void vmm_process_init(struct vmm_process *vmm);
void vmm_process_destroy(struct vmm_process *vmm);

void vmm_say(struct vmm_process *vmm, char word);
/* Fails the test if the VMM reports nothing in time. */
char vmm_hear(struct vmm_process *vmm);

/* Waits until the process has ended, which has to be soon; its status. */
int vmm_wait(struct vmm_process *vmm);
/* Waits until nothing is left of its VM. */
void vmm_wait_gone(struct vmm_process *vmm);
/* Both. */
int vmm_reap(struct vmm_process *vmm);

#endif /* SELFTESTS_VMM_PROCESS_H */
