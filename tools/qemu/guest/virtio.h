/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "guest.h"

/* A request of each queue is all that there is at a time. */
#define VIRTIO_QUEUE_SIZE	2
#define VIRTIO_MAX_QUEUES	2

#define VIRTIO_ID_BALLOON	5
#define VIRTIO_ID_MEM		24

struct virtio_desc {
	u64 address;
	u32 length;
	u16 flags;
	u16 next;
};

struct virtio_queue {
	struct virtio_desc desc[VIRTIO_QUEUE_SIZE] __attribute__((aligned(16)));
	struct {
		u16 flags;
		u16 index;
		u16 ring[VIRTIO_QUEUE_SIZE];
	} avail;
	struct {
		u16 flags;
		u16 index;
		struct {
			u32 id;
			u32 length;
		} ring[VIRTIO_QUEUE_SIZE];
	} used __attribute__((aligned(4)));
	u16 nr;
	volatile u16 *notify;
};

struct virtio {
	volatile u8 *common;
	volatile u8 *notify;
	volatile void *config;
	u32 notify_multiplier;
	struct virtio_queue queues[VIRTIO_MAX_QUEUES];
};

/*
 * Finds the PCI device of that kind and initializes it, with those of the wanted
 * features (bits 0 to 31) that it offers.  Returns whether it is there, and works.
 */
int virtio_open(struct virtio *virtio, unsigned int id, u32 wanted,
		unsigned int nr_queues);

/* Has the device read the request and write the answer, if there is to be one. */
void virtio_request(struct virtio_queue *queue, const void *request, u32 size,
		    void *answer, u32 answer_size);

/* The plugged memory becomes what the host requests.  Returns the refused requests. */
u64 plug(struct range *plugged);

/*
 * The balloon becomes what the host requests, with pages from the range's end.  Returns
 * the pages in it.
 */
u64 balloon(struct range *range);

#endif
