// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "method.h"

const struct method * const methods[] = {
	&method_none,
	&method_pre_fault,
	&method_populate,
	&method_populate_pre_fault,
	&method_vcpu,
	&method_ioctl,
	&method_uring,
	NULL,
};

const struct method *method_find(const char *name)
{
	const struct method * const *method;

	for (method = methods; *method; method++)
		if (!strcmp((*method)->name, name))
			return *method;
	return NULL;
}
