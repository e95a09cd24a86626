/* SPDX-License-Identifier: MIT */
/* TAP for the test programs here: a source includes it once. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>

static int tap_number, tap_failures;

__attribute__((unused, format(printf, 2, 3)))
static void ok(int passed, const char *format, ...)
{
	va_list arguments;

	tap_failures += !passed;
	printf("%sok %d - ", passed ? "" : "not ", ++tap_number);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	puts("");
}

/* Prints the plan; returns the exit status. */
static int done_testing(void)
{
	printf("1..%d\n", tap_number);
	return tap_failures != 0;
}

#endif /* TAP_H */
