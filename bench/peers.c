// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "peer.h"

const struct method * const peers[] = {
	&method_none,
	&peer_touch,
	&method_pre_fault,
	&method_populate,
	&method_populate_pre_fault,
	&method_vcpu,
	&method_ioctl,
	&method_uring,
	NULL,
};

const struct method *peer_find(const char *name)
{
	const struct method * const *peer;

	for (peer = peers; *peer; peer++)
		if (!strcmp((*peer)->name, name))
			return *peer;
	return NULL;
}
