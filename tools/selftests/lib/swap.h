/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SELFTESTS_SWAP_H
#define SELFTESTS_SWAP_H

#include <stdbool.h>

/* Swap on a RAM disk; false if there is none to be had. */
bool swap_on(void);
void swap_off(void);

#endif /* SELFTESTS_SWAP_H */
