// SPDX-License-Identifier: GPL-2.0
/* Whether results are what Documentation/api.rst allows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "view.h"

/* Errors of calls whose arguments are good. */
static bool may_fail_with(const struct call *call, int error)
{
	/* The structures may hold anything, and may not be there. */
	if (call->shaky && (error == EFAULT || error == EINVAL || error == E2BIG))
		return true;

	switch (error) {
	case ENOENT:
	case EFAULT:
	case EHWPOISON:
	case EAGAIN:
		return true;
	case EINTR:
		/* A thread that has joined a command may be interrupted. */
		return call->entry != ENTRY_URING || seed_stops(options.seed) ||
		       call->shaky ||
		       call->batch_before.flags & KVM_MAP_MEMORY_OWN_THREADS;
	case ECANCELED:
		return call->entry != ENTRY_VCPU;
	case EBADF:		/* another thread has closed it */
		return true;
	case ENOMEM:
		return call->injected;
	default:
		return false;
	}
}

/* A command can be cancelled before anybody looks at its arguments. */
static bool may_be_refused_with(const struct call *call, int error)
{
	return error == call->refused || error == EBADF ||
	       (error == ECANCELED && call->entry == ENTRY_URING) ||
	       (call->injected && (error == ENOMEM || error == EFAULT));
}

static void check_errno(struct thread *thread, const struct call *call, int result)
{
	if (result > 0)
		violation(thread, "result %d of %s", result, call->text);
	if (call->refused ? !may_be_refused_with(call, -result) :
			    result && !may_fail_with(call, -result))
		violation(thread, "result %s of %s, which was to %s%s",
			  result ? strerrorname_np(-result) ?: "?" : "0", call->text,
			  call->refused ? "fail with " : "succeed or fail otherwise",
			  call->refused ? strerrorname_np(call->refused) : "");
}

static void check_unchanged(struct thread *thread, const struct call *call)
{
	if (call->batch &&
	    memcmp(call->batch, &call->batch_before, sizeof(*call->batch)))
		violation(thread, "refused, but the batch was written to: %s",
			  call->text);
	if (call->mappings &&
	    memcmp(call->mappings, call->before, call->nr * sizeof(*call->before)))
		violation(thread, "refused, but mappings were written to: %s",
			  call->text);
}

/* Returns the bytes that are done. */
static uint64_t check_mapping(struct thread *thread, const struct call *call,
			      uint32_t nr)
{
	const struct kvm_memory_mapping *before = &call->before[nr];
	const struct kvm_memory_mapping *after = &call->mappings[nr];

	if (after->flags != before->flags ||
	    after->base_address + after->size !=
	    before->base_address + before->size ||
	    after->size > before->size ||
	    (after->base_address & (PAGE_SIZE - 1)))
		violation(thread, "mapping %u: 0x%llx bytes at 0x%llx, flags 0x%llx, are left of 0x%llx bytes at 0x%llx, flags 0x%llx",
			  nr, after->size, after->base_address, after->flags,
			  before->size, before->base_address, before->flags);
	/* The last page that was mapped, and of a mapping that is done the first. */
	if (after->size < before->size)
		view_note(call->vm, after->size ? after->base_address - PAGE_SIZE :
			  before->base_address);
	return before->size - after->size;
}

static void check_in_fields(struct thread *thread, const struct call *call)
{
	const struct kvm_map_memory_batch *before = &call->batch_before;
	const struct kvm_map_memory_batch *after = call->batch;

	if (after->mappings != before->mappings ||
	    after->nr_mappings != before->nr_mappings ||
	    after->nr_workers != before->nr_workers ||
	    after->flags != before->flags || after->progress != before->progress ||
	    memcmp(after->reserved, before->reserved, sizeof(after->reserved)))
		violation(thread, "a field that is only read was written to");
}

static uint64_t bytes_counted(const struct kvm_map_memory_batch *batch)
{
	return batch->bytes_mapped + batch->bytes_present + batch->bytes_skipped;
}

static void check_counts(struct thread *thread, const struct call *call, int result,
			 uint64_t asked, uint64_t done, bool resident)
{
	const struct kvm_map_memory_batch *batch = call->batch;
	uint64_t counted = bytes_counted(batch);

	if (counted < done || counted > asked || (!result && counted != asked))
		violation(thread, "0x%lx of 0x%lx bytes are done, mapped 0x%llx, present 0x%llx, skipped 0x%llx",
			  done, asked, batch->bytes_mapped, batch->bytes_present,
			  batch->bytes_skipped);
	if (batch->bytes_skipped && !resident)
		violation(thread, "0x%llx bytes are skipped of mappings that ask for all",
			  batch->bytes_skipped);
	if (batch->workers_used > (batch->nr_workers ?: KVM_MAP_MEMORY_MAX_WORKERS))
		violation(thread, "%u workers of %u", batch->workers_used,
			  batch->nr_workers);
}

static void check_progress(struct thread *thread, const struct call *call,
			   uint64_t asked)
{
	const struct kvm_map_memory_progress *progress = call->progress;
	const struct kvm_map_memory_batch *batch = call->batch;

	if (progress && (progress->bytes_total != asked ||
			 progress->bytes_mapped != batch->bytes_mapped ||
			 progress->bytes_present != batch->bytes_present ||
			 progress->bytes_skipped != batch->bytes_skipped))
		violation(thread, "progress of 0x%llx bytes: mapped 0x%llx, present 0x%llx, skipped 0x%llx",
			  progress->bytes_total, progress->bytes_mapped,
			  progress->bytes_present, progress->bytes_skipped);
}

static void check_batch(struct thread *thread, const struct call *call, int result)
{
	uint64_t asked = 0, done = 0;
	uint32_t i, first_undone = call->nr;
	bool resident = false, all_done;

	check_in_fields(thread, call);
	for (i = 0; i < call->nr; i++) {
		asked += call->before[i].size;
		done += check_mapping(thread, call, i);
		if (call->mappings[i].size && first_undone == call->nr)
			first_undone = i;
		resident |= call->before[i].flags & KVM_MEMORY_MAPPING_RESIDENT;
	}

	all_done = first_undone == call->nr;
	if (!result != all_done || call->batch->first_undone != first_undone)
		violation(thread, "result %d with first_undone %u, where %u of %u is",
			  result, call->batch->first_undone, first_undone, call->nr);
	check_counts(thread, call, result, asked, done, resident);
	check_progress(thread, call, asked);
}

/* Nothing was tried: either nothing is written, or that nothing is done. */
static void check_nothing_tried(struct thread *thread, const struct call *call,
				int result)
{
	bool written = memcmp(call->batch, &call->batch_before, sizeof(*call->batch));

	if (result != -ECANCELED && !(call->injected && !written))
		violation(thread, "workers_used is 0 after %s",
			  strerrorname_np(-result) ?: "0");
	if (!written) {
		check_unchanged(thread, call);
		return;
	}
	if (bytes_counted(call->batch))
		violation(thread, "workers_used is 0, with bytes that are done");
	check_batch(thread, call, result);
}

static void spoil(struct call *call, int *result)
{
	bool refused = *result == -call->refused && call->refused && call->batch &&
		       call->mappings;
	bool tried = call->batch && call->batch->workers_used;

	if (planted("errno") && call->entry == ENTRY_BATCH)
		*result = -EDOM;
	if (planted("refusal") && call->refused)
		*result = 0;
	/* What is read-only cannot be written to here, either. */
	if (planted("write") && refused && !call->area.changed && call->refused != EFAULT)
		call->batch->bytes_mapped++;
	if (planted("leftover") && tried)
		call->mappings->base_address += PAGE_SIZE;
	if (planted("result") && tried && *result == 0)
		*result = -ENOENT;
	if (planted("count") && tried)
		call->batch->bytes_mapped += PAGE_SIZE;
	if (planted("input") && tried)
		call->batch->nr_workers ^= 1;
}

void call_check(struct thread *thread, struct call *call, int result)
{
	if (options.plant && !call->shaky)
		spoil(call, &result);

	check_errno(thread, call, result);
	if (call->shaky)
		return;
	if (call->refused || result == -EBADF) {
		check_unchanged(thread, call);
		return;
	}

	if (call->entry != ENTRY_VCPU) {
		if (call->batch->workers_used)
			check_batch(thread, call, result);
		else
			check_nothing_tried(thread, call, result);
		return;
	}

	check_mapping(thread, call, 0);
	if (!result != !call->mappings->size)
		violation(thread, "result %d with 0x%llx bytes left", result,
			  call->mappings->size);
}
