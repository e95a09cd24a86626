/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program's lists, as members of a JSON object: arrays of objects, without the
 * comma that follows a member.
 */
#ifndef LISTS_JSON_H
#define LISTS_JSON_H

#include <stdio.h>
#include "method.h"

/* "memory_kinds", each with name, summary and page_size in bytes. */
void json_memory_kinds(FILE *file);
/* The methods of a table that NULL ends, each with name and summary. */
void json_methods(FILE *file, const char *member,
		  const struct method * const *table);

#endif
