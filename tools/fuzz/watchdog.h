/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_WATCHDOG_H
#define FUZZ_WATCHDOG_H

#include "fuzz.h"

/* Watches all threads until the process ends. */
void watchdog_start(void);

#endif /* FUZZ_WATCHDOG_H */
