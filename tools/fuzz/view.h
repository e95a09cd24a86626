/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_VIEW_H
#define FUZZ_VIEW_H

#include "fuzz.h"

/*
 * While all threads wait: what guests see of their memory is what the host sees
 * of it, page by page, for some pages of each memslot.
 */
void view_check(struct thread *thread);

#endif /* FUZZ_VIEW_H */
