// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
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

static int run_command(struct io_uring *ring, int vm_fd,
		       struct kvm_map_memory_batch *batch)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int ret;

	io_uring_prep_cmd_kvm_map_memory(sqe, vm_fd, batch);
	io_uring_sqe_set_data(sqe, batch);
	ret = io_uring_submit_and_wait(ring, 1);
	if (ret < 0)
		return ret;
	/* A signal ends the wait, and not the command. */
	do {
		ret = io_uring_wait_cqe(ring, &cqe);
	} while (ret == -EINTR);
	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

int batch_run_uring(int vm_fd, struct kvm_map_memory_batch *batch)
{
	struct io_uring ring;
	int ret = io_uring_queue_init(BATCH_RING_ENTRIES, &ring, 0);

	if (ret < 0)
		return ret;
	ret = run_command(&ring, vm_fd, batch);
	io_uring_queue_exit(&ring);
	return ret;
}
