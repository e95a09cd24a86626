/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations that fail on request, slab and pages alike.  It takes a kernel with
 * CONFIG_FAULT_INJECTION and root.
 */
#ifndef SELFTESTS_FAULT_INJECTION_H
#define SELFTESTS_FAULT_INJECTION_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Only what is allocated below @function of the kernel can fail from now on, NULL
 * for all, and not what is below @but_not, NULL for what kmemleak allocates for
 * itself.  Pages of user memory fail if @user_pages.  False if the kernel cannot
 * do it.
 */
bool fault_injection_begin(const char *function, const char *but_not,
			   bool user_pages);
void fault_injection_end(void);

/* The @nth of these allocations in thread @tid fails, once. */
void fail_nth(pid_t tid, unsigned int nth);
/* Cancels that; returns whether an allocation has failed. */
bool fail_nth_end(pid_t tid);

/*
 * The first @times of these allocations fail, of page and slab each, if they are in
 * a thread that is made to fail.
 */
void fail_first(unsigned int times);
/* How many have failed; any number of times. */
unsigned int fail_first_count(void);

/* Threads inherit it from those that make them. */
void make_thread_fail(pid_t tid, bool fail);

#endif /* SELFTESTS_FAULT_INJECTION_H */
