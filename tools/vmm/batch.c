// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <liburing_kvm.h>
#include "batch.h"

void batch_init(struct batch *batch, const struct preparation *preparation)
{
	kvm_memory_mapping_init(&batch->mapping, preparation->base,
				preparation->bytes, 0);
	/* Left at 0, the kernel decides how many workers there are. */
	kvm_map_memory_batch_init(&batch->batch, &batch->mapping, 1,
				  preparation->workers_asked);
}

int batch_done(const struct batch *batch, int ret,
	       struct preparation *preparation, struct failure *failure)
{
	preparation->counted = true;
	preparation->bytes_mapped = batch->batch.bytes_mapped;
	preparation->bytes_present = batch->batch.bytes_present;
	preparation->workers_used = batch->batch.workers_used;
	if (ret < 0)
		return fail(failure, "KVM_MAP_MEMORY_BATCH at %#llx: %s",
			    (unsigned long long)batch->mapping.base_address,
			    strerror(-ret));
	return 0;
}
