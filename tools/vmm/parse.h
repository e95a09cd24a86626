/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Values of command line options.  All return 0, or -1 and a reason that names
 * the option, as it is given here ("--size").
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdint.h>
#include "failure.h"

/* From min to max, decimal, or hexadecimal after 0x. */
int parse_number(const char *option, const char *text, uint64_t min,
		 uint64_t max, uint64_t *number, struct failure *failure);
/*
 * Bytes of guest memory, from 1 to GUEST_MEMORY_MAX, with a suffix of K, M, G
 * or T in powers of 1024, rounded up to whole pages of 4 KiB.
 */
int parse_size(const char *option, const char *text, uint64_t *size,
	       struct failure *failure);
/*
 * Calls add for each name of a list that is separated by commas, and may be
 * one empty name, until it does not return 0.
 */
int parse_list(const char *list,
	       int (*add)(void *to, const char *name, struct failure *failure),
	       void *to, struct failure *failure);

#endif
