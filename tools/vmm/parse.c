// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "guest.h"
#include "parse.h"
#include "units.h"

int parse_number(const char *option, const char *text, uint64_t min,
		 uint64_t max, uint64_t *number, struct failure *failure)
{
	int base = strncmp(text, "0x", 2) ? 10 : 16;
	char *end;

	errno = 0;
	*number = strtoull(text, &end, base);
	if (!isdigit(*text) || *end || errno || *number < min || *number > max)
		return fail(failure, "%s is a number from %llu to %llu, not '%s'",
			    option, (unsigned long long)min,
			    (unsigned long long)max, text);
	return 0;
}

int parse_size(const char *option, const char *text, uint64_t *size,
	       struct failure *failure)
{
	static const char units[] = "KMGT";
	unsigned long long number, unit = 1;
	const char *found;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	found = *end ? strchr(units, toupper(*end)) : NULL;
	if (found) {
		unit = KIB << (10 * (found - units));
		end++;
	}
	if (!isdigit(*text) || *end || errno || !number ||
	    number > GUEST_MEMORY_MAX / unit)
		return fail(failure,
			    "%s is up to %llu TiB and such as 512M or 2G, not '%s'",
			    option, GUEST_MEMORY_MAX / TIB, text);
	*size = (number * unit + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
	return 0;
}

int parse_list(const char *list,
	       int (*add)(void *to, const char *name, struct failure *failure),
	       void *to, struct failure *failure)
{
	char *copy = strdup(list), *rest = copy, *name;
	int ret = 0;

	if (!copy)
		return fail_errno(failure, ENOMEM, list);
	while (!ret && (name = strsep(&rest, ",")))
		ret = add(to, name, failure);
	free(copy);
	return ret;
}
