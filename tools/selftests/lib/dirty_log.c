// SPDX-License-Identifier: GPL-2.0
#include <asm/barrier.h>

#include "dirty_log.h"

static uint64_t manual_flags(enum dirty_log_way way)
{
	switch (way) {
	case DIRTY_BITMAP_MANUAL:
		return KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
	case DIRTY_BITMAP_ALL_SET:
		return KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
		       KVM_DIRTY_LOG_INITIALLY_SET;
	default:
		return 0;
	}
}

bool dirty_log_choose(struct dirty_log *log, struct kvm_vm *vm,
		      enum dirty_log_way way, uint32_t slot, uint64_t nr_pages)
{
	uint64_t flags = manual_flags(way);

	log->way = way;
	log->vm = vm;
	log->slot = slot;
	log->nr_pages = nr_pages;

	if (way == DIRTY_RING) {
		if (!kvm_has_cap(KVM_CAP_DIRTY_LOG_RING))
			return false;
		vm_enable_dirty_ring(vm, DIRTY_RING_ENTRIES *
				     sizeof(struct kvm_dirty_gfn));
		return true;
	}

	if ((vm_check_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) & flags) != flags)
		return false;
	if (flags)
		vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, flags);
	return true;
}

static uint64_t collect_bitmap(struct dirty_log *log, uint8_t *logged)
{
	uint64_t bitmap[log->nr_pages / 64], page, count = 0;

	TEST_ASSERT(log->nr_pages % 64 == 0, "Bitmaps are of whole words");
	kvm_vm_get_dirty_log(log->vm, log->slot, bitmap);
	if (log->way != DIRTY_BITMAP)
		kvm_vm_clear_dirty_log(log->vm, log->slot, bitmap, 0, log->nr_pages);
	for (page = 0; page < log->nr_pages; page++) {
		if (bitmap[page / 64] >> page % 64 & 1) {
			logged[page] = 1;
			count++;
		}
	}
	return count;
}

static uint64_t collect_ring(struct dirty_log *log, struct kvm_vcpu *vcpu,
			     uint8_t *logged)
{
	struct kvm_dirty_gfn *ring = vcpu_map_dirty_ring(vcpu), *entry;
	uint64_t count = 0;

	for (;;) {
		entry = &ring[vcpu->fetch_index % DIRTY_RING_ENTRIES];
		/* Pairs with the kernel's release of a complete entry. */
		if (smp_load_acquire(&entry->flags) != KVM_DIRTY_GFN_F_DIRTY)
			return count;
		TEST_ASSERT(entry->slot == log->slot && entry->offset < log->nr_pages,
			    "page %llu of slot %u was logged", entry->offset,
			    entry->slot);
		logged[entry->offset] = 1;
		/* The entry was read: the kernel may have it back. */
		smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_RESET);
		vcpu->fetch_index++;
		count++;
	}
}

uint64_t dirty_log_collect(struct dirty_log *log, uint8_t *logged)
{
	struct kvm_vcpu *vcpu;
	uint64_t count = 0;

	if (log->way != DIRTY_RING)
		return collect_bitmap(log, logged);

	list_for_each_entry(vcpu, &log->vm->vcpus, list)
		count += collect_ring(log, vcpu, logged);
	TEST_ASSERT_EQ(kvm_vm_reset_dirty_ring(log->vm), count);
	return count;
}
