/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a measured section begins and ends, for those who look at the machine's
 * instructions: no-ops with numbers that no compiler makes.
 */
#ifndef MARK_H
#define MARK_H

/* nopl NUMBER(%rax,%rax,1) */
#define MARK(number)	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.long %c0" \
				     : : "i"(number) : "memory")

/* Once, before the first section. */
#define MARK_PROGRAM	0x4b564d30
#define MARK_BEGIN	0x4b564d31
#define MARK_END	0x4b564d32

#endif
