/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNITS_H
#define UNITS_H

#define BIT_ULL(n)	(1ULL << (n))

#define KIB	1024ULL
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)
#define TIB	(1024 * GIB)

/* The page that guests and KVM's ranges are counted in. */
#define PAGE_SIZE	(4 * KIB)

#endif
