/* SPDX-License-Identifier: GPL-2.0 */
/* What came of a run, for programs to read. */
#ifndef FUZZ_REPORT_H
#define FUZZ_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* Notes a seed that has ended. */
void report_seed(uint64_t seed, bool passed);
/* Writes all of it to the file of --json.  Returns 0 or a negative errno. */
int report_write(uint64_t ms);
/* Prints the table of steps. */
void print_table(void);

#endif /* FUZZ_REPORT_H */
