/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MEDIAN_H
#define MEDIAN_H

/* Sorts nr values, at least one, and returns their median. */
double median_sort(double *values, unsigned int nr);

#endif
