/* SPDX-License-Identifier: GPL-2.0 */
/* What is measured: the time between two marks, see mark.h. */
#ifndef SECTION_H
#define SECTION_H

/* Returns when it began, for section_end(). */
double section_begin(void);
/* Returns its length in seconds. */
double section_end(double start);
/* The number of the last section, from 1; 0: there was none. */
unsigned int section_number(void);

#endif
