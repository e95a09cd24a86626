// SPDX-License-Identifier: GPL-2.0
/*
 * Virtio 1.x devices of PCI: bus 0, modern, split queues without interrupts.  Firmware
 * has given them their addresses.
 */
#include "virtio.h"

#define PCI_ADDRESS		0xcf8
#define PCI_DATA		0xcfc
#define PCI_COMMAND		0x04
#define PCI_COMMAND_MEMORY	2
#define PCI_COMMAND_MASTER	4
#define PCI_BAR			0x10
#define PCI_BAR_64		4
#define PCI_CAPABILITIES	0x34
#define PCI_CAPABILITY_VENDOR	9
#define PCI_DEVICES		32
#define PCI_VIRTIO		0x1af4
#define PCI_VIRTIO_MODERN	0x1040

/* Types of virtio's capabilities, and where their fields are. */
#define CAPABILITY_COMMON	1
#define CAPABILITY_NOTIFY	2
#define CAPABILITY_DEVICE	4
#define CAPABILITY_BAR		4
#define CAPABILITY_OFFSET	8
#define CAPABILITY_MULTIPLIER	16

/* The common configuration. */
#define FEATURES_SELECT		0
#define FEATURES		4
#define DRIVER_FEATURES_SELECT	8
#define DRIVER_FEATURES		12
#define STATUS			20
#define QUEUE_SELECT		22
#define QUEUE_SIZE		24
#define QUEUE_ENABLE		28
#define QUEUE_NOTIFY_OFFSET	30
#define QUEUE_DESC		32
#define QUEUE_AVAIL		40
#define QUEUE_USED		48

#define STATUS_DRIVER		(1 | 2)
#define STATUS_FEATURES_OK	8
#define STATUS_DRIVER_OK	4
#define FEATURE_VERSION_1	1	/* of bits 32 to 63 */

#define DESC_NEXT		1
#define DESC_WRITE		2
#define AVAIL_NO_INTERRUPT	1

static u32 pci_read(unsigned int device, unsigned int offset)
{
	out32(PCI_ADDRESS, 1U << 31 | device << 11 | (offset & -4U));
	return in32(PCI_DATA) >> offset % 4 * 8;
}

static void pci_write(unsigned int device, unsigned int offset, u32 value)
{
	out32(PCI_ADDRESS, 1U << 31 | device << 11 | offset);
	out32(PCI_DATA, value);
}

static u64 bar_address(unsigned int device, unsigned int bar)
{
	u32 low = pci_read(device, PCI_BAR + bar * 4);
	u64 address = low & -16U;

	if (low & PCI_BAR_64)
		address |= (u64)pci_read(device, PCI_BAR + bar * 4 + 4) << 32;
	return address;
}

static void find_registers(struct virtio *virtio, unsigned int device)
{
	unsigned int at = pci_read(device, PCI_CAPABILITIES) & 0xff;
	unsigned int bar;
	u64 address;

	for (; at; at = pci_read(device, at + 1) & 0xff) {
		if ((pci_read(device, at) & 0xff) != PCI_CAPABILITY_VENDOR)
			continue;
		bar = pci_read(device, at + CAPABILITY_BAR) & 0xff;
		address = bar_address(device, bar) +
			  pci_read(device, at + CAPABILITY_OFFSET);
		switch (pci_read(device, at + 3) & 0xff) {
		case CAPABILITY_COMMON:
			virtio->common = (void *)address;
			break;
		case CAPABILITY_NOTIFY:
			virtio->notify = (void *)address;
			virtio->notify_multiplier =
				pci_read(device, at + CAPABILITY_MULTIPLIER);
			break;
		case CAPABILITY_DEVICE:
			virtio->config = (void *)address;
			break;
		}
	}
}

static int find_device(unsigned int id)
{
	unsigned int device;

	for (device = 0; device < PCI_DEVICES; device++)
		if (pci_read(device, 0) == ((PCI_VIRTIO_MODERN + id) << 16 | PCI_VIRTIO))
			return device;
	return -1;
}

static void set8(struct virtio *virtio, unsigned int offset, u8 value)
{
	virtio->common[offset] = value;
}

static void set16(struct virtio *virtio, unsigned int offset, u16 value)
{
	*(volatile u16 *)(virtio->common + offset) = value;
}

static void set32(struct virtio *virtio, unsigned int offset, u32 value)
{
	*(volatile u32 *)(virtio->common + offset) = value;
}

static void set64(struct virtio *virtio, unsigned int offset, u64 value)
{
	set32(virtio, offset, value);
	set32(virtio, offset + 4, value >> 32);
}

static int set_features(struct virtio *virtio, u32 wanted)
{
	set8(virtio, STATUS, 0);
	while (virtio->common[STATUS])
		;
	set8(virtio, STATUS, STATUS_DRIVER);
	set32(virtio, FEATURES_SELECT, 0);
	wanted &= *(volatile u32 *)(virtio->common + FEATURES);
	set32(virtio, DRIVER_FEATURES_SELECT, 0);
	set32(virtio, DRIVER_FEATURES, wanted);
	set32(virtio, DRIVER_FEATURES_SELECT, 1);
	set32(virtio, DRIVER_FEATURES, FEATURE_VERSION_1);
	set8(virtio, STATUS, STATUS_DRIVER | STATUS_FEATURES_OK);
	return virtio->common[STATUS] & STATUS_FEATURES_OK;
}

static void set_queue(struct virtio *virtio, unsigned int nr)
{
	struct virtio_queue *queue = &virtio->queues[nr];
	u16 offset;

	queue->nr = nr;
	queue->avail.flags = AVAIL_NO_INTERRUPT;
	set16(virtio, QUEUE_SELECT, nr);
	set16(virtio, QUEUE_SIZE, VIRTIO_QUEUE_SIZE);
	set64(virtio, QUEUE_DESC, (u64)queue->desc);
	set64(virtio, QUEUE_AVAIL, (u64)&queue->avail);
	set64(virtio, QUEUE_USED, (u64)&queue->used);
	offset = *(volatile u16 *)(virtio->common + QUEUE_NOTIFY_OFFSET);
	queue->notify = (void *)(virtio->notify + offset * virtio->notify_multiplier);
	set16(virtio, QUEUE_ENABLE, 1);
}

int virtio_open(struct virtio *virtio, unsigned int id, u32 wanted,
		unsigned int nr_queues)
{
	int device = find_device(id);
	unsigned int i;

	if (device < 0)
		return 0;
	pci_write(device, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	find_registers(virtio, device);
	if (!set_features(virtio, wanted))
		return 0;
	for (i = 0; i < nr_queues; i++)
		set_queue(virtio, i);
	set8(virtio, STATUS, STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
	return 1;
}

void virtio_request(struct virtio_queue *queue, const void *request, u32 size,
		    void *answer, u32 answer_size)
{
	u16 index = queue->avail.index;

	queue->desc[0].address = (u64)request;
	queue->desc[0].length = size;
	queue->desc[0].flags = answer ? DESC_NEXT : 0;
	queue->desc[0].next = 1;
	queue->desc[1].address = (u64)answer;
	queue->desc[1].length = answer_size;
	queue->desc[1].flags = DESC_WRITE;
	queue->avail.ring[index % VIRTIO_QUEUE_SIZE] = 0;
	__atomic_store_n(&queue->avail.index, index + 1, __ATOMIC_SEQ_CST);
	*queue->notify = queue->nr;
	while (__atomic_load_n(&queue->used.index, __ATOMIC_SEQ_CST) != (u16)(index + 1))
		asm volatile("pause");
}
