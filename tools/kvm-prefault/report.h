/* SPDX-License-Identifier: GPL-2.0 */
/* Reports of the measurements, for people and programs. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>
#include "environment.h"
#include "measure.h"

/* The head of the table, before anything is measured. */
void table_print_environment(const struct environment *environment,
			     const struct run_options *options);
/*
 * The head of the rows of one kind of memory, and of one extent of what is prepared if
 * replay is not NULL; and a row.
 */
void table_print_head(const struct memory_kind *kind, uint64_t bytes,
		      const struct replay *replay, bool set_alone);
void table_print_result(const struct result *result,
			const struct run_options *options);
/* Advice on methods that were not available or failed, each once. */
void print_advice(const struct result *results, unsigned int nr);

void json_print(FILE *file, const struct environment *environment,
		const struct run_options *options, const struct replay *replay,
		const struct result *results, unsigned int nr, char **argv);

#endif
