/* SPDX-License-Identifier: GPL-2.0 */
/* Why something could not be done, for people. */
#ifndef FAILURE_H
#define FAILURE_H

#define __printf(format, first) \
	__attribute__((__format__(printf, format, first)))

enum failure_kind {
	/* It went wrong. */
	FAILURE_ERROR,
	/* This machine, kernel or setting cannot do it. */
	FAILURE_UNAVAILABLE,
};

struct failure {
	enum failure_kind kind;
	/* One line, without a full stop. */
	char reason[256];
	/* Advice: lines, or empty. */
	char advice[768];
};

/* These three return -1, to be returned in turn. */
__printf(2, 3)
int fail(struct failure *failure, const char *format, ...);
int fail_errno(struct failure *failure, int error, const char *what);
__printf(2, 3)
int fail_unavailable(struct failure *failure, const char *format, ...);
/* Adds lines to what is said already. */
__printf(2, 3)
void advise(struct failure *failure, const char *format, ...);

#endif
