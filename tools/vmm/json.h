/* SPDX-License-Identifier: GPL-2.0 */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>

/* Prints text in quotes, NULL as null. */
void json_string(FILE *file, const char *text);

#endif
