/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A job stopped after it was told that it cannot have a page, and before it finds
 * out why: time to change that.
 */
#ifndef SELFTESTS_GUP_HOLD_H
#define SELFTESTS_GUP_HOLD_H

#include <stdbool.h>

/*
 * The page is the one at @hva.  False where the kernel has no probes, and where there
 * is no other CPU: the job keeps its own.
 */
bool gup_hold_prepare(const void *hva);
/* Waits for a job to come there. */
void gup_hold_await(void);
void gup_hold_end(void);
/* When all jobs have ended. */
void gup_hold_unload(void);

#endif /* SELFTESTS_GUP_HOLD_H */
