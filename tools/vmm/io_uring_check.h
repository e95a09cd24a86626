/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IO_URING_CHECK_H
#define IO_URING_CHECK_H

#include "failure.h"

/* 0 if this process may create a ring; -1 and the reason if not. */
int io_uring_check(struct failure *failure);

#endif
