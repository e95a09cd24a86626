// SPDX-License-Identifier: GPL-2.0
#include "peer.h"

const struct method * const peers[] = {
	METHODS,
	&peer_touch,
	NULL,
};

_Static_assert(sizeof(peers) / sizeof(*peers) - 1 <= METHODS_MAX,
	       "raise METHODS_MAX");
