// SPDX-License-Identifier: GPL-2.0
#include "peer.h"
#include "slices.h"

static int touch_slice(struct slice *slice)
{
	return guest_write_range(slice->preparation->guest, slice->index,
				 slice->base, slice->bytes, &slice->failure);
}

static int touch_prepare(struct preparation *preparation,
			 struct failure *failure)
{
	return slices_run(preparation, touch_slice, failure);
}

const struct method peer_touch = {
	.name = "touch",
	.summary = "the guest writes to every page, its vCPUs in parallel",
	.needs_vcpus = true,
	.prepare = touch_prepare,
};
