/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_VIEW_H
#define FUZZ_VIEW_H

#include "fuzz.h"

/* A call has mapped this page, in whatever VM @vm was then. */
void view_note(unsigned int vm, uint64_t gpa);
/*
 * While all threads wait: what guests see of their memory is what the host sees
 * of it.  Looks at the last pages that calls have mapped in each VM, and at any
 * page of each memslot.
 */
void view_check(struct thread *thread);

#endif /* FUZZ_VIEW_H */
