// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <unistd.h>

#include "test_util.h"

#include "gup_hold.h"
#include "host_files.h"
#include "host_state.h"
#include "test_module.h"

#define MODULE		"gup_hold"
#define PARAMETERS	"/sys/module/" MODULE "/parameters/"

bool gup_hold_prepare(const void *hva)
{
	char address[32];

	if (!test_module_can_probe() || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return false;

	/* Of a test that failed. */
	test_module_unload(MODULE);
	snprintf(address, sizeof(address), "address=%p", hva);
	test_module_load(MODULE, address);
	return true;
}

void gup_hold_await(void)
{
	uint64_t held;

	TEST_ASSERT(wait_until(file_read_number(PARAMETERS "held", &held) && held),
		    "No page was looked for in vain");
}

void gup_hold_end(void)
{
	TEST_ASSERT(file_write(PARAMETERS "go", "1"), "Cannot tell %s", MODULE);
}

void gup_hold_unload(void)
{
	TEST_ASSERT(test_module_unload(MODULE), "Cannot unload %s", MODULE);
}
