// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "failure.h"

static void describe(struct failure *failure, enum failure_kind kind,
		     const char *format, va_list arguments)
{
	failure->kind = kind;
	failure->advice[0] = '\0';
	vsnprintf(failure->reason, sizeof(failure->reason), format, arguments);
}

int fail(struct failure *failure, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	describe(failure, FAILURE_ERROR, format, arguments);
	va_end(arguments);
	return -1;
}

int fail_errno(struct failure *failure, int error, const char *what)
{
	return fail(failure, "%s: %s", what, strerror(error));
}

int fail_unavailable(struct failure *failure, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	describe(failure, FAILURE_UNAVAILABLE, format, arguments);
	va_end(arguments);
	return -1;
}

void advise(struct failure *failure, const char *format, ...)
{
	size_t used = strlen(failure->advice);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(failure->advice + used, sizeof(failure->advice) - used,
		  format, arguments);
	va_end(arguments);
}
