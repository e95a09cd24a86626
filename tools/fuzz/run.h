/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_RUN_H
#define FUZZ_RUN_H

/*
 * One seed: threads make random calls, meet at a barrier every STEPS_PER_ROUND
 * steps, and the leftovers are checked while they wait there.  Returns the
 * exit status of its process.
 */
int fuzz_run(void);

#endif /* FUZZ_RUN_H */
