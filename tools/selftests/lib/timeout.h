/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The factors by which time limits and delays grow here, compared with an idle
 * host and the distribution's kernel.  The harness's own limits grow too: programs
 * are linked with --wrap=alarm.
 */
#ifndef SELFTESTS_TIMEOUT_H
#define SELFTESTS_TIMEOUT_H

#include <stdbool.h>

/* TEST_TIMEOUT_FACTOR of the environment, which tools/run-tests sets, or 1. */
int timeout_factor(void);
/*
 * TEST_SLOWNESS, or 1: of this the part that the kernel at hand is slower.  For
 * delays that have to end in the middle of the kernel's work.
 */
int slowness(void);
/* TEST_TIER: whether a sample of many similar cases is enough. */
bool quick_tier(void);

/* The names that the linker gives to alarm(). */
unsigned int __real_alarm(unsigned int seconds);
unsigned int __wrap_alarm(unsigned int seconds);

#endif /* SELFTESTS_TIMEOUT_H */
