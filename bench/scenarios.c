// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include "scenario.h"

const struct scenario *scenario_find(const char *name)
{
	const struct scenario * const *scenario;

	for_each_scenario(scenario)
		if (!strcmp((*scenario)->name, name))
			return *scenario;
	return NULL;
}

void scenario_failed(struct entry *entry, const struct failure *failure)
{
	entry->failure = *failure;
	fprintf(stderr, "kvm-bench: %s, %s, %s: %s\n", entry->scenario,
		entry->peer, entry->memory, failure->reason);
}
