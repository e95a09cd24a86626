/* SPDX-License-Identifier: MIT */
/* TAP for the test programs here: a source includes it once. */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>

static int tap_number, tap_failures;
/* Before each name, in tests that run on several paths. */
__attribute__((unused))
static const char *tap_prefix = "";

__attribute__((unused, format(printf, 2, 3)))
static void ok(int passed, const char *format, ...)
{
	va_list arguments;

	tap_failures += !passed;
	printf("%sok %d - %s", passed ? "" : "not ", ++tap_number, tap_prefix);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	puts("");
}

__attribute__((unused))
static void skip(const char *name, const char *why)
{
	printf("ok %d - %s%s # SKIP %s\n", ++tap_number, tap_prefix, name, why);
}

/* Prints the plan; returns the exit status. */
__attribute__((unused))
static int done_testing(void)
{
	printf("1..%d\n", tap_number);
	return tap_failures != 0;
}

#endif /* TAP_H */
