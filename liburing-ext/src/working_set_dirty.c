// SPDX-License-Identifier: MIT
/* Working sets from KVM's dirty logs: the bitmap of a slot, and the ring of a vCPU. */
#include <errno.h>
#include <limits.h>
#include <linux/kvm.h>

#include "working_set.h"

#define BITS_PER_BYTE 8

/*
 * The number of the first bit from nr on that has the value, or end.  KVM numbers the
 * bits as set_bit_le() does: on any machine by bytes.
 */
static __u64 next_bit(const unsigned char *bitmap, __u64 nr, __u64 end, int value)
{
	unsigned char other = value ? 0 : 0xff;

	while (nr < end) {
		unsigned char byte = bitmap[nr / BITS_PER_BYTE];

		if (!(nr % BITS_PER_BYTE) && byte == other) {
			nr += BITS_PER_BYTE;
			continue;
		}
		if ((byte >> nr % BITS_PER_BYTE & 1) == value)
			return nr;
		nr++;
	}
	return end;
}

int kvm_working_set_add_dirty_bitmap(struct kvm_working_set *set,
				     __u64 base_address, __u64 nr_pages,
				     const void *bitmap)
{
	struct kvm_working_set found = { 0 };
	__u64 page_size = liburing_kvm_page_size();
	__u64 start, end;
	int ret;

	if (nr_pages > ~0ULL / page_size)
		return -EINVAL;
	ret = liburing_kvm_range_check(base_address, nr_pages * page_size);
	if (ret < 0)
		return ret;
	start = next_bit(bitmap, 0, nr_pages, 1);
	while (start < nr_pages && !ret) {
		end = next_bit(bitmap, start, nr_pages, 0);
		ret = liburing_kvm_range_append(&found, base_address +
						start * page_size,
						(end - start) * page_size);
		start = next_bit(bitmap, end, nr_pages, 1);
	}
	return liburing_kvm_working_set_take(set, &found, ret);
}

static int check_slots(const struct kvm_working_set_slot *slots, unsigned int nr)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		ret = liburing_kvm_range_check(slots[i].base_address,
					       slots[i].size);
		if (slots[i].reserved)
			ret = -EINVAL;
	}
	return ret;
}

/* As KVM does when it resets the entry, one for a slot that is gone is skipped. */
static int append_entry(struct kvm_working_set *found,
			const struct kvm_dirty_gfn *entry,
			const struct kvm_working_set_slot *slots,
			unsigned int nr_slots)
{
	__u64 page_size = liburing_kvm_page_size();
	unsigned int i;

	for (i = 0; i < nr_slots; i++)
		if (slots[i].slot == entry->slot)
			break;
	if (i == nr_slots || entry->offset >= slots[i].size / page_size)
		return 0;
	return liburing_kvm_range_append(found, slots[i].base_address +
					 entry->offset * page_size, page_size);
}

int kvm_working_set_add_dirty_ring(struct kvm_working_set *set,
				   const struct kvm_dirty_gfn *entries,
				   unsigned int nr,
				   const struct kvm_working_set_slot *slots,
				   unsigned int nr_slots)
{
	struct kvm_working_set found = { 0 };
	unsigned int i;
	int ret = check_slots(slots, nr_slots);

	if (nr > INT_MAX)
		nr = INT_MAX;
	for (i = 0; i < nr && !ret; i++) {
		/* Slot and offset are there if the flag is: pairs with KVM's wmb. */
		if (__atomic_load_n(&entries[i].flags, __ATOMIC_ACQUIRE) !=
		    KVM_DIRTY_GFN_F_DIRTY)
			break;
		ret = append_entry(&found, &entries[i], slots, nr_slots);
	}
	ret = liburing_kvm_working_set_take(set, &found, ret);
	return ret < 0 ? ret : (int)i;
}
