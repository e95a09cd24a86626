// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <liburing_kvm.h>
#include "batch.h"

static int run_ranges(struct preparation *preparation,
		      const struct kvm_memory_mapping *ranges, size_t nr,
		      struct kvm_memory_mapping *left,
		      int (*run)(int vm_fd, struct kvm_map_memory_batch *batch),
		      struct failure *failure)
{
	struct kvm_map_memory_batch batch;
	unsigned long long undone;
	int ret;

	memcpy(left, ranges, nr * sizeof(*left));
	/* Left at 0, the kernel decides how many workers there are. */
	kvm_map_memory_batch_init(&batch, left, nr, preparation->workers_asked);
	ret = run(preparation->guest->vm.fd, &batch);
	preparation->bytes_mapped += batch.bytes_mapped;
	preparation->bytes_present += batch.bytes_present;
	if (preparation->workers_used < batch.workers_used)
		preparation->workers_used = batch.workers_used;
	if (!ret)
		return 0;
	undone = left[batch.first_undone < nr ? batch.first_undone : 0].base_address;
	return fail(failure, "KVM_MAP_MEMORY_BATCH at %#llx: %s", undone,
		    strerror(-ret));
}

int batch_prepare(struct preparation *preparation,
		  int (*run)(int vm_fd, struct kvm_map_memory_batch *batch),
		  struct failure *failure)
{
	struct kvm_memory_mapping whole, *left;
	const struct kvm_memory_mapping *ranges;
	size_t nr, nr_left, first;
	int ret = 0;

	ranges = preparation_ranges(preparation, &whole, &nr);
	nr_left = nr < KVM_MAP_MEMORY_MAX_MAPPINGS ? nr :
						     KVM_MAP_MEMORY_MAX_MAPPINGS;
	left = calloc(nr_left, sizeof(*left));
	if (nr && !left)
		return fail_errno(failure, ENOMEM, "ranges");
	preparation->counted = true;
	for (first = 0; first < nr && !ret; first += nr_left) {
		if (nr_left > nr - first)
			nr_left = nr - first;
		ret = run_ranges(preparation, ranges + first, nr_left, left, run,
				 failure);
	}
	free(left);
	return ret;
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
