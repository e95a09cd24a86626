/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_STEPS_H
#define FUZZ_STEPS_H

#include "fuzz.h"

/* Makes the step of thread->step. */
void make_step(struct thread *thread);

#endif /* FUZZ_STEPS_H */
