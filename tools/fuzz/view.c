// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "access.h"
#include "place.h"
#include "view.h"

/*
 * A page that the host takes away or brings back in between, as KSM and
 * khugepaged do, is another one the next time.  A wrong entry stays.
 */
#define ATTEMPTS	6

struct view {
	unsigned int vm;
	const struct slot *slot;
	uint64_t gpa;
	uint64_t hva;
	bool private;
};

static enum guest_end run(const struct view *view, struct guest_access *access)
{
	struct place *place = &places[view->vm];
	enum guest_end end;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		struct guest_access again = *access;

		end = access_run(VCPU_FD(view->vm, 0), place->vcpus[0].run, &again);
		if (end == GUEST_RING_FULL) {
			place_harvest(view->vm);
			ioctl(VM_FD(view->vm), KVM_RESET_DIRTY_RINGS);
		} else if (end != GUEST_INTERRUPTED) {
			*access = again;
			break;
		}
	}
	if (end == GUEST_OTHER)
		printf("# KVM_RUN ended with errno %d, exit reason %u\n", access->error,
		       access->exit_reason);
	return end;
}

static enum guest_end guest_reads(const struct view *view, uint64_t *value)
{
	struct guest_access access = { .gpa = view->gpa, .nr_pages = 1 };
	enum guest_end end;

	if (planted("view"))
		access.gpa = view->slot->gpa;
	end = run(view, &access);
	*value = access.value;
	return end;
}

static enum guest_end guest_writes(const struct view *view, uint64_t value)
{
	struct guest_access access = {
		.gpa = view->gpa,
		.nr_pages = 1,
		.write = true,
		.value = value,
	};

	return run(view, &access);
}

/* The guest reads what the host writes, if it may. */
static bool host_to_guest(const struct view *view, uint64_t value,
			  char *problem, size_t size)
{
	bool written = !memory_write(view->hva, value);
	uint64_t before, seen, after;
	bool readable = !memory_read(view->hva, &before);
	enum guest_end end = guest_reads(view, &seen);
	bool still = !memory_read(view->hva, &after);

	if (readable && end == GUEST_HALTED && still &&
	    (seen == before || seen == after))
		return true;
	if (!readable && !still && end != GUEST_HALTED && end != GUEST_OTHER)
		return true;
	snprintf(problem, size,
		 "the host %s, reads 0x%lx (%s) and 0x%lx (%s); the guest's read ends with %s, value 0x%lx",
		 written ? "writes" : "cannot write", readable ? before : 0,
		 readable ? "ok" : "EFAULT", still ? after : 0, still ? "ok" : "EFAULT",
		 guest_end_name(end), seen);
	return false;
}

/* The host reads what the guest writes, if the host may write there. */
static bool guest_to_host(const struct view *view, uint64_t value,
			  char *problem, size_t size)
{
	enum guest_end end = guest_writes(view, value);
	uint64_t seen = 0;
	int ret = memory_read(view->hva, &seen);
	bool read_only = view->slot->flags & KVM_MEM_READONLY;

	if (end == GUEST_HALTED && !read_only && !ret && seen == value)
		return true;
	if (end == GUEST_MMIO && read_only)
		return true;
	/* The host must not be able to write what the guest could not. */
	if ((end == GUEST_FAULT || end == GUEST_POISON) &&
	    memory_write(view->hva, value))
		return true;
	snprintf(problem, size,
		 "the guest's write of 0x%lx ends with %s; the host reads 0x%lx (%s)",
		 value, guest_end_name(end), seen, ret ? "EFAULT" : "ok");
	return false;
}

/* Private memory is the guest's alone. */
static bool guest_to_guest(const struct view *view, uint64_t value,
			   char *problem, size_t size)
{
	uint64_t host_before = 0, host_after = 0, seen = 0;
	bool same;
	enum guest_end end;

	same = !memory_read(view->hva, &host_before);
	end = guest_writes(view, value);
	same = same && !memory_read(view->hva, &host_after);
	if (end != GUEST_HALTED)
		return true;
	end = guest_reads(view, &seen);
	if (end == GUEST_HALTED && seen == value &&
	    !(same && host_before != host_after))
		return true;
	snprintf(problem, size,
		 "private memory: the guest's read ends with %s, 0x%lx of 0x%lx; the host's page was 0x%lx and is 0x%lx",
		 guest_end_name(end), seen, value, host_before, host_after);
	return false;
}

OUTCOME(view, "compare a page of guest and host");

static void check_page(struct thread *thread, const struct view *view)
{
	bool (*check)(const struct view *view, uint64_t value, char *problem,
		      size_t size);
	uint64_t value = rng_next(&thread->rng), start = now_ns();
	char problem[256];
	unsigned int i;

	check = view->private ? guest_to_guest :
		rng_percent(&thread->rng, 50) ? host_to_guest : guest_to_host;
	call_waits(thread, "view of page 0x%lx of VM %u, host 0x%lx, slot flags 0x%x",
		   view->gpa, view->vm, view->hva, view->slot->flags);
	for (i = 0; i < ATTEMPTS; i++) {
		if (check(view, value + i, problem, sizeof(problem)))
			break;
		usleep(10000);
	}
	call_end(thread);
	if (i == ATTEMPTS)
		violation(thread, "%s", problem);
	count_call(&step_view, 0);
	count_time(&step_view, now_ns() - start);
}

static void check_gpa(struct thread *thread, unsigned int vm,
		      const struct slot *slot, uint64_t gpa)
{
	struct view view = {
		.vm = vm,
		.slot = slot,
		.gpa = gpa,
		.hva = slot->hva + (gpa - slot->gpa),
		.private = places[vm].private[(gpa - WINDOW_GPA(1)) / PAGE_SIZE],
	};

	check_page(thread, &view);
}

static void check_slot(struct thread *thread, unsigned int vm, unsigned int nr)
{
	const struct slot *slot = &places[vm].slots[nr];
	uint64_t page;

	if (!slot->size)
		return;
	page = rng_below(&thread->rng, slot->size / PAGE_SIZE);
	check_gpa(thread, vm, slot, slot->gpa + page * PAGE_SIZE);
}

/* The slot may have gone since. */
static void check_mapped(struct thread *thread, unsigned int vm, uint64_t gpa)
{
	const struct slot *slot;
	unsigned int nr;

	for (nr = 1; nr <= NR_SLOTS; nr++) {
		slot = &places[vm].slots[nr];
		if (gpa - slot->gpa < slot->size)
			check_gpa(thread, vm, slot, gpa);
	}
}

void view_note(unsigned int vm, uint64_t gpa)
{
	struct place *place = &places[vm];

	place->mapped[place->nr_mapped++ % NR_MAPPED] = gpa;
}

void view_check(struct thread *thread)
{
	struct place *place;
	unsigned int vm, nr;

	for (vm = 0; vm < NR_VMS; vm++) {
		place = &places[vm];
		if (place->exists &&
		    (place->vcpus[0].exists || !place_create_vcpu(vm, 0))) {
			for (nr = 0; nr < NR_MAPPED && nr < place->nr_mapped; nr++)
				check_mapped(thread, vm, place->mapped[nr]);
			for (nr = 1; nr <= NR_SLOTS; nr++)
				check_slot(thread, vm, nr);
		}
		place->nr_mapped = 0;
	}
}
