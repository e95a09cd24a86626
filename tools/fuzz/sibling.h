/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process beside the one under test, with the same descriptors and other memory:
 * for calls on VMs that are not its own, and for what a process cannot do to
 * itself.  It is made once, while there is little to copy.
 */
#ifndef FUZZ_SIBLING_H
#define FUZZ_SIBLING_H

#include <stdint.h>

#include "fuzz.h"

/* Before there are threads. */
void sibling_start(void);
void sibling_end(void);

/* What ioctl() returns there: 0 or a negative errno. */
int sibling_ioctl(int fd, unsigned long request, uint64_t argument);
/*
 * All threads of the process under test are held for @us, by a signal or by the
 * freezer of control groups; or thread @tid is, by ptrace.  They are let go
 * whatever happens: 0 or a negative errno.
 */
int sibling_stop(unsigned int us);
int sibling_freeze(unsigned int us);
int sibling_trace(pid_t tid, unsigned int us);

#endif /* FUZZ_SIBLING_H */
