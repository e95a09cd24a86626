// SPDX-License-Identifier: GPL-2.0
/* Memslots, their dirty logs and their private memory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine.h"
#include "place.h"

struct choice {
	unsigned int vm;
	unsigned int nr;
	struct slot slot;
};

/* Mostly at the start of its window, where most mappings are asked for. */
static struct choice random_slot(struct rng *rng)
{
	struct choice choice = {
		.vm = rng_below(rng, NR_VMS),
		.nr = 1 + rng_below(rng, NR_SLOTS),
	};
	unsigned int region = rng_below(rng, nr_regions);
	uint64_t offset = 0;

	choice.slot.gpa = WINDOW_GPA(choice.nr);
	choice.slot.size = SZ_4M;
	if (rng_percent(rng, 20))
		choice.slot.size = (1 + rng_below(rng, SZ_4M / PAGE_SIZE)) * PAGE_SIZE;
	if (rng_percent(rng, 20))
		choice.slot.gpa += rng_below(rng, SZ_4M / PAGE_SIZE) * PAGE_SIZE;
	if (rng_percent(rng, 30))
		offset = rng_below(rng, SZ_4M / PAGE_SIZE) * PAGE_SIZE;
	choice.slot.hva = region_start(region) + offset;
	if (rng_percent(rng, 15))
		choice.slot.flags |= KVM_MEM_READONLY;
	if (rng_percent(rng, 15))
		choice.slot.flags |= KVM_MEM_LOG_DIRTY_PAGES;
	return choice;
}

STEP(slot_create, 15, "create a memslot");

static void make_slot_create(struct thread *thread)
{
	struct choice choice = random_slot(&thread->rng);
	bool gmem = rng_percent(&thread->rng, 20);
	/* KVM refuses to change a memslot's size or its memory. */
	bool replace = rng_percent(&thread->rng, 40);
	struct place *place = &places[choice.vm];
	const struct slot none = {};
	int ret = -EBADF;

	if (gmem)
		choice.slot.flags &= ~KVM_MEM_READONLY;
	call_begin(thread, "VM %u: slot %u at 0x%lx, 0x%lx bytes at 0x%lx, flags 0x%x%s%s",
		   choice.vm, choice.nr, choice.slot.gpa, choice.slot.size,
		   choice.slot.hva, choice.slot.flags, gmem ? ", guest_memfd" : "",
		   replace ? ", replacing" : "");
	pthread_mutex_lock(&place->lock);
	if (place->exists && replace && place->slots[choice.nr].size &&
	    !slot_set(choice.vm, choice.nr, &none, false))
		close(GMEM_FD(choice.vm, choice.nr));
	if (place->exists)
		ret = slot_set(choice.vm, choice.nr, &choice.slot,
			       gmem && place->protected &&
			       !place->slots[choice.nr].size);
	pthread_mutex_unlock(&place->lock);
	call_end(thread);
	count_call(&step_slot_create, ret);
}

STEP(slot_delete, 5, "delete a memslot");
STEP(slot_move, 7, "move a memslot");
STEP(slot_flags, 8, "switch dirty logging");

static void slot_change(struct thread *thread, const struct step *step)
{
	struct choice choice = random_slot(&thread->rng);
	struct place *place = &places[choice.vm];
	int ret = -ENOENT;
	struct slot slot;

	call_begin(thread, "VM %u: %s %u, to 0x%lx", choice.vm, step->name,
		   choice.nr, choice.slot.gpa);
	pthread_mutex_lock(&place->lock);
	slot = place->slots[choice.nr];
	if (slot.size) {
		if (step == &step_slot_delete)
			memset(&slot, 0, sizeof(slot));
		else if (step == &step_slot_move)
			slot.gpa = choice.slot.gpa;
		else
			slot.flags ^= KVM_MEM_LOG_DIRTY_PAGES;
		ret = slot_set(choice.vm, choice.nr, &slot, false);
		if (!ret && step == &step_slot_delete)
			close(GMEM_FD(choice.vm, choice.nr));
	}
	pthread_mutex_unlock(&place->lock);
	call_end(thread);
	count_call(step, ret);
}

static void make_slot_delete(struct thread *thread)
{
	slot_change(thread, &step_slot_delete);
}

static void make_slot_move(struct thread *thread)
{
	slot_change(thread, &step_slot_move);
}

static void make_slot_flags(struct thread *thread)
{
	slot_change(thread, &step_slot_flags);
}

/* Mostly there would be no log. */
static void log_dirty(unsigned int vm, unsigned int nr)
{
	struct place *place = &places[vm];
	struct slot slot;

	pthread_mutex_lock(&place->lock);
	slot = place->slots[nr];
	if (slot.size && !(slot.flags & (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_GUEST_MEMFD))) {
		slot.flags |= KVM_MEM_LOG_DIRTY_PAGES;
		slot_set(vm, nr, &slot, false);
	}
	pthread_mutex_unlock(&place->lock);
}

STEP(dirty_get, 6, "get the dirty log");

static void make_dirty_get(struct thread *thread)
{
	uint64_t bitmap[REGION_SIZE / PAGE_SIZE / 64];
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	struct kvm_dirty_log log = {
		.slot = 1 + rng_below(&thread->rng, NR_SLOTS),
		.dirty_bitmap = bitmap,
	};
	int ret;

	call_begin(thread, "VM %u: dirty log of slot %u", vm, log.slot);
	log_dirty(vm, log.slot);
	ret = ioctl(VM_FD(vm), KVM_GET_DIRTY_LOG, &log) ? -errno : 0;
	call_end(thread);
	count_call(&step_dirty_get, ret);
}

STEP(dirty_clear, 6, "clear the dirty log");

static void make_dirty_clear(struct thread *thread)
{
	uint64_t bitmap[REGION_SIZE / PAGE_SIZE / 64];
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	struct kvm_clear_dirty_log clear = {
		.slot = 1 + rng_below(&thread->rng, NR_SLOTS),
		.first_page = rng_below(&thread->rng, SZ_4M / PAGE_SIZE / 64) * 64,
		.dirty_bitmap = bitmap,
	};
	int ret;

	clear.num_pages = (1 + rng_below(&thread->rng, 8)) * 64;
	memset(bitmap, 0xff, sizeof(bitmap));
	call_begin(thread, "VM %u: clear dirty log of slot %u, %u pages from %llu", vm,
		   clear.slot, clear.num_pages, clear.first_page);
	log_dirty(vm, clear.slot);
	ret = ioctl(VM_FD(vm), KVM_CLEAR_DIRTY_LOG, &clear) ? -errno : 0;
	call_end(thread);
	count_call(&step_dirty_clear, ret);
}

STEP(dirty_ring, 15, "reset dirty rings", NEEDS_DIRTY_RING);

static void make_dirty_ring(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	int ret = -EBADF;

	call_begin(thread, "VM %u: harvest dirty rings", vm);
	pthread_mutex_lock(&places[vm].lock);
	if (places[vm].exists) {
		place_harvest(vm);
		ret = ioctl(VM_FD(vm), KVM_RESET_DIRTY_RINGS);
		if (ret < 0)
			ret = -errno;
	}
	pthread_mutex_unlock(&places[vm].lock);
	call_end(thread);
	count_call(&step_dirty_ring, ret);
}

STEP(attributes, 10, "set memory attributes", NEEDS_PROTECTED_VMS);

static void make_attributes(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	uint64_t page = rng_below(&thread->rng, NR_SLOTS * WINDOW_PAGES);
	uint64_t nr = 1 + rng_below(&thread->rng, rng_percent(&thread->rng, 5) ?
				    WINDOW_PAGES / 4 : 16);
	bool private = rng_percent(&thread->rng, 50);
	struct kvm_memory_attributes attributes = {
		.attributes = private ? KVM_MEMORY_ATTRIBUTE_PRIVATE : 0,
	};
	int ret = -EBADF;

	if (nr > NR_SLOTS * WINDOW_PAGES - page)
		nr = NR_SLOTS * WINDOW_PAGES - page;
	attributes.address = WINDOW_GPA(1) + page * PAGE_SIZE;
	attributes.size = nr * PAGE_SIZE;
	call_begin(thread, "VM %u: %s 0x%llx, 0x%llx bytes", vm,
		   private ? "private" : "shared", attributes.address,
		   attributes.size);
	pthread_mutex_lock(&places[vm].lock);
	if (places[vm].exists) {
		ret = ioctl(VM_FD(vm), KVM_SET_MEMORY_ATTRIBUTES, &attributes) ?
		      -errno : 0;
		if (!ret)
			memset(places[vm].private + page, private, nr);
	}
	pthread_mutex_unlock(&places[vm].lock);
	call_end(thread);
	count_call(&step_attributes, ret);
}

STEP(gmem_punch, 8, "punch a guest_memfd", NEEDS_PROTECTED_VMS);

static void make_gmem_punch(struct thread *thread)
{
	struct choice choice = random_slot(&thread->rng);
	uint64_t offset = rng_below(&thread->rng, SZ_4M / PAGE_SIZE) * PAGE_SIZE;
	int ret;

	call_begin(thread, "VM %u: punch guest_memfd of slot %u at 0x%lx", choice.vm,
		   choice.nr, offset);
	ret = fallocate(GMEM_FD(choice.vm, choice.nr),
			FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
			choice.slot.size) ? -errno : 0;
	call_end(thread);
	count_call(&step_gmem_punch, ret);
}
