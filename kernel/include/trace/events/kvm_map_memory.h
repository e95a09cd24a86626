/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM_MAP_MEMORY in the group of the MMU.  Jobs have numbers, unique on the host; what
 * was mapped, present and skipped is in bytes.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvmmmu

#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE kvm_map_memory

#if !defined(_TRACE_KVM_MAP_MEMORY_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_KVM_MAP_MEMORY_H

#include <linux/tracepoint.h>

/* By the owner, before anything is done. */
TRACE_EVENT(kvm_map_memory_submit,
	    TP_PROTO(u64 job, pid_t vm, u64 bytes, unsigned int mappings,
		     unsigned int max_workers, u64 flags),
	    TP_ARGS(job, vm, bytes, mappings, max_workers, flags),

	    TP_STRUCT__entry(__field(u64, job)
			     __field(pid_t, vm)
			     __field(u64, bytes)
			     __field(unsigned int, mappings)
			     __field(unsigned int, max_workers)
			     __field(u64, flags)),

	    TP_fast_assign(__entry->job = job;
			   __entry->vm = vm;
			   __entry->bytes = bytes;
			   __entry->mappings = mappings;
			   __entry->max_workers = max_workers;
			   __entry->flags = flags;),

	    TP_printk("job %llu vm %d bytes %llu mappings %u max_workers %u flags 0x%llx",
		      __entry->job, __entry->vm, __entry->bytes, __entry->mappings,
		      __entry->max_workers, __entry->flags));

/* By the owner, after the results are written. */
TRACE_EVENT(kvm_map_memory_done,
	    TP_PROTO(u64 job, int result, u64 mapped, u64 present, u64 skipped,
		     unsigned int workers),
	    TP_ARGS(job, result, mapped, present, skipped, workers),

	    TP_STRUCT__entry(__field(u64, job)
			     __field(int, result)
			     __field(u64, mapped)
			     __field(u64, present)
			     __field(u64, skipped)
			     __field(unsigned int, workers)),

	    TP_fast_assign(__entry->job = job;
			   __entry->result = result;
			   __entry->mapped = mapped;
			   __entry->present = present;
			   __entry->skipped = skipped;
			   __entry->workers = workers;),

	    TP_printk("job %llu result %d mapped %llu present %llu skipped %llu workers %u",
		      __entry->job, __entry->result, __entry->mapped, __entry->present,
		      __entry->skipped, __entry->workers));

/* By each worker, for chunks of one range, or small ranges that share one, from @gpa. */
TRACE_EVENT(kvm_map_memory_chunk_begin,
	    TP_PROTO(u64 job, u64 gpa, u64 size, unsigned int mappings),
	    TP_ARGS(job, gpa, size, mappings),

	    TP_STRUCT__entry(__field(u64, job)
			     __field(u64, gpa)
			     __field(u64, size)
			     __field(unsigned int, mappings)),

	    TP_fast_assign(__entry->job = job;
			   __entry->gpa = gpa;
			   __entry->size = size;
			   __entry->mappings = mappings;),

	    TP_printk("job %llu gpa 0x%llx size 0x%llx mappings %u",
		      __entry->job, __entry->gpa, __entry->size, __entry->mappings));

TRACE_EVENT(kvm_map_memory_chunk_end,
	    TP_PROTO(u64 job, u64 mapped, u64 present, u64 skipped),
	    TP_ARGS(job, mapped, present, skipped),

	    TP_STRUCT__entry(__field(u64, job)
			     __field(u64, mapped)
			     __field(u64, present)
			     __field(u64, skipped)),

	    TP_fast_assign(__entry->job = job;
			   __entry->mapped = mapped;
			   __entry->present = present;
			   __entry->skipped = skipped;),

	    TP_printk("job %llu mapped %llu present %llu skipped %llu",
		      __entry->job, __entry->mapped, __entry->present, __entry->skipped));

/* By the helper: it takes part in a job, and leaves it. */
TRACE_EVENT(kvm_map_memory_helper_begin,
	    TP_PROTO(u64 job),
	    TP_ARGS(job),

	    TP_STRUCT__entry(__field(u64, job)),

	    TP_fast_assign(__entry->job = job;),

	    TP_printk("job %llu", __entry->job));

TRACE_EVENT(kvm_map_memory_helper_end,
	    TP_PROTO(u64 job, u64 chunks, bool kept),
	    TP_ARGS(job, chunks, kept),

	    TP_STRUCT__entry(__field(u64, job)
			     __field(u64, chunks)
			     __field(bool, kept)),

	    TP_fast_assign(__entry->job = job;
			   __entry->chunks = chunks;
			   __entry->kept = kept;),

	    TP_printk("job %llu chunks %llu kept %d", __entry->job, __entry->chunks,
		      __entry->kept));

#endif /* _TRACE_KVM_MAP_MEMORY_H */

#include <trace/define_trace.h>
