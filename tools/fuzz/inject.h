/* SPDX-License-Identifier: GPL-2.0 */
/* Failing allocations of one call of this thread, by /proc/thread-self/fail-nth. */
#ifndef FUZZ_INJECT_H
#define FUZZ_INJECT_H

#include <stdbool.h>

#include "fuzz.h"

/* Of the calling thread, whose handlers of signals need SA_ONSTACK. */
void inject_open(struct thread *thread);
/* Decides whether the next call is to fail, and where. */
void inject_begin(struct thread *thread);
/* Whether an allocation has failed. */
bool inject_end(struct thread *thread);

#endif /* FUZZ_INJECT_H */
