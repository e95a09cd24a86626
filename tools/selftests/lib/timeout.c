// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "timeout.h"

static int factor(const char *name)
{
	const char *value = getenv(name);

	return value && atoi(value) > 0 ? atoi(value) : 1;
}

int timeout_factor(void)
{
	return factor("TEST_TIMEOUT_FACTOR");
}

int slowness(void)
{
	return factor("TEST_SLOWNESS");
}

bool quick_tier(void)
{
	const char *tier = getenv("TEST_TIER");

	return tier && !strcmp(tier, "quick");
}

/* A test's own deadlines come first: they tell what did not happen. */
unsigned int __wrap_alarm(unsigned int seconds)
{
	return __real_alarm(3 * seconds * timeout_factor());
}
