/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The peers: the methods of the VMM library, and the guest that touches its
 * memory with all its vCPUs.
 */
#ifndef PEER_H
#define PEER_H

#include "method.h"

extern const struct method peer_touch;

/* All peers; NULL marks the end. */
extern const struct method * const peers[];

#endif
