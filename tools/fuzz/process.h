/* SPDX-License-Identifier: GPL-2.0 */
/* Events of the process and its threads. */
#ifndef FUZZ_PROCESS_H
#define FUZZ_PROCESS_H

#include "fuzz.h"

/* Waits for the children that are left. */
void reap_children(struct thread *thread);

#endif /* FUZZ_PROCESS_H */
