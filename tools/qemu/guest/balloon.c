// SPDX-License-Identifier: GPL-2.0
/* virtio-balloon: pages that the guest gives to the host, and takes back. */
#include "virtio.h"

#define INFLATE		0
#define DEFLATE		1
#define MAX_PAGES	(PAGE / sizeof(u32))

struct config {
	u32 requested;
	u32 actual;
};

static struct virtio device;
static u32 page_numbers[MAX_PAGES];

static void move(unsigned int queue, u64 first, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		page_numbers[i] = first / PAGE + i;
	virtio_request(&device.queues[queue], page_numbers, nr * sizeof(u32), 0, 0);
}

static u32 at_most(u32 nr)
{
	return nr < MAX_PAGES ? nr : MAX_PAGES;
}

u64 balloon(struct range *range)
{
	volatile struct config *config;
	u32 requested, actual, nr;

	if (!device.common && !virtio_open(&device, VIRTIO_ID_BALLOON, 0, 2))
		return 0;
	config = device.config;
	requested = config->requested;
	for (actual = config->actual; actual < requested; actual += nr) {
		nr = at_most(requested - actual);
		range->end -= nr * PAGE;
		move(INFLATE, range->end, nr);
	}
	for (; actual > requested; actual -= nr) {
		nr = at_most(actual - requested);
		move(DEFLATE, range->end, nr);
		range->end += nr * PAGE;
	}
	config->actual = actual;
	return actual;
}
