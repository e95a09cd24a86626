// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "timeout.h"

int timeout_factor(void)
{
	const char *factor = getenv("TEST_TIMEOUT_FACTOR");

	return factor && atoi(factor) > 0 ? atoi(factor) : 1;
}

/* A test's own deadlines come first: they tell what did not happen. */
unsigned int __wrap_alarm(unsigned int seconds)
{
	return __real_alarm(3 * seconds * timeout_factor());
}
