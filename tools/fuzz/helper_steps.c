// SPDX-License-Identifier: GPL-2.0
/* Threads that work for the batches of others, and helpers that are kept. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>

#include "call.h"
#include "place.h"

STEP(join, 40, "join a batch");

#define JOIN_TRIES 100

/*
 * As a VMM's thread does: the batch may not be running yet.  Most are of one chunk,
 * which their owner takes at once, so that the result is often ENOENT.
 */
static int try_to_join(int vm_fd, uint64_t address)
{
	int ret, tries = 0;

	do {
		ret = ioctl(vm_fd, KVM_MAP_MEMORY_JOIN, address) ? -errno : 0;
	} while (ret == -ENOENT && ++tries < JOIN_TRIES && !sched_yield());
	return ret;
}

static void make_join(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	uint64_t address = places[vm].joinable;
	int ret;

	if (rng_percent(&thread->rng, 10))
		address = rng_next(&thread->rng);
	call_begin(thread, "join the batch at 0x%lx of VM %u", address, vm);
	ret = try_to_join(VM_FD(vm), address);
	call_end(thread);

	if (ret && ret != -ENOENT && ret != -EINTR && ret != -ENOMEM && ret != -EBADF)
		violation(thread, "a thread that joins a batch got %s",
			  strerrorname_np(-ret) ?: "?");
	count_result(&step_join, ret, !ret || ret == -ENOENT);
}

STEP(end_helpers, 10, "end kept helpers");

static void make_end_helpers(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	int ret;

	call_begin(thread, "end the helpers of VM %u", vm);
	ret = ioctl(VM_FD(vm), KVM_MAP_MEMORY_END_HELPERS) ? -errno : 0;
	call_end(thread);

	if (ret && ret != -EBADF)
		violation(thread, "the end of kept helpers failed with %s",
			  strerrorname_np(-ret) ?: "?");
	count_call(&step_end_helpers, ret);
}
