// SPDX-License-Identifier: GPL-2.0
/* virtio-mem: memory that the host lets the guest plug, block by block. */
#include "virtio.h"

/* Memory that is not plugged must not be read; all hosts that offer it insist on it. */
#define UNPLUGGED_INACCESSIBLE	2
#define PLUG			0
#define UNPLUG			1
#define ACK			0

struct config {
	u64 block_size;
	u64 node;
	u64 address;
	u64 region_size;
	u64 usable_region_size;
	u64 plugged_size;
	u64 requested_size;
};

struct request {
	u16 type;
	u16 reserved[3];
	u64 address;
	u16 nr_blocks;
	u16 reserved_too[3];
};

struct answer {
	u16 type;
	u16 reserved[3];
	u16 state;
	u16 reserved_too[3];
};

static struct virtio device;

/* One block, as a guest does that gives each to its allocator. */
static int change(u16 type, u64 address)
{
	struct request request = {
		.type = type,
		.address = address,
		.nr_blocks = 1,
	};
	struct answer answer;

	virtio_request(&device.queues[0], &request, sizeof(request),
		       &answer, sizeof(answer));
	return answer.type == ACK;
}

u64 plug(struct range *plugged)
{
	const volatile struct config *config;
	u64 block_size, end;

	if (!device.common &&
	    !virtio_open(&device, VIRTIO_ID_MEM, UNPLUGGED_INACCESSIBLE, 1))
		return 1;
	config = device.config;
	block_size = config->block_size;
	end = config->address + config->requested_size;
	if (!plugged->start) {
		plugged->start = config->address;
		plugged->end = config->address;
	}
	for (; plugged->end < end; plugged->end += block_size)
		if (!change(PLUG, plugged->end))
			return 1;
	for (; plugged->end > end; plugged->end -= block_size)
		if (!change(UNPLUG, plugged->end - block_size))
			return 1;
	return 0;
}
