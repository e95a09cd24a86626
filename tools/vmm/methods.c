// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <liburing_kvm.h>
#include "method.h"
#include "parse.h"

const struct method * const methods[] = {
	METHODS,
	NULL,
};

_Static_assert(sizeof(methods) / sizeof(*methods) - 1 <= METHODS_MAX,
	       "raise METHODS_MAX");

const struct kvm_memory_mapping *
preparation_ranges(const struct preparation *preparation,
		   struct kvm_memory_mapping *whole, size_t *nr)
{
	if (preparation->ranges) {
		*nr = preparation->nr_ranges;
		return preparation->ranges;
	}
	*nr = 1;
	kvm_memory_mapping_init(whole, preparation->base, preparation->bytes, 0);
	return whole;
}

struct choice {
	const struct method * const *table;
	const struct method **chosen;
};

static int choose(void *to, const char *name, struct failure *failure)
{
	const struct choice *choice = to;
	const struct method * const *method = choice->table;
	const struct method **end = choice->chosen;

	while (*method && strcmp((*method)->name, name))
		method++;
	if (!*method)
		return fail(failure, "there is no method '%s'", name);
	while (*end && *end != *method)
		end++;
	*end = *method;
	return 0;
}

int methods_parse(const char *list, const struct method * const *table,
		  const struct method **chosen, struct failure *failure)
{
	struct choice choice = { .table = table, .chosen = chosen };
	bool all = !strcmp(list, "all");
	unsigned int i;

	for (i = 0; table[i]; i++)
		chosen[i] = all ? table[i] : NULL;
	chosen[i] = NULL;
	return all ? 0 : parse_list(list, choose, &choice, failure);
}
