// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "timeout.h"

int timeout_factor(void)
{
	const char *factor = getenv("TEST_TIMEOUT_FACTOR");

	return factor && atoi(factor) > 0 ? atoi(factor) : 1;
}

unsigned int __wrap_alarm(unsigned int seconds)
{
	return __real_alarm(seconds * timeout_factor());
}
