/* SPDX-License-Identifier: GPL-2.0 */
/* This program's description of itself, for those who start it and read it. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include <stdio.h>

/* Members of a JSON object: scenarios, peers, kinds of memory. */
void describe_members(FILE *file);
/* An object: the members, and the parts of bench/run. */
void describe(FILE *file);

#endif
