// SPDX-License-Identifier: GPL-2.0
#include "host_state.h"
#include "map_job.h"

int vcpu_map_memory(struct kvm_vcpu *vcpu, struct kvm_memory_mapping *mapping)
{
	int ret;

	do {
		ret = __vcpu_ioctl(vcpu, KVM_MAP_MEMORY, mapping) ? -errno : 0;
	} while (ret == -EINTR);
	return ret;
}

void map_require_batches(void)
{
	int features = kvm_check_cap(KVM_CAP_MAP_MEMORY);

	TEST_REQUIRE(features & KVM_MAP_MEMORY_FEATURE_BATCH);
	TEST_REQUIRE(features & KVM_MAP_MEMORY_FEATURE_URING);
}

void map_batch_init(struct kvm_map_memory_batch *batch,
		    struct kvm_memory_mapping *mappings, uint32_t nr,
		    uint32_t workers)
{
	memset(batch, 0, sizeof(*batch));
	batch->mappings = (uint64_t)mappings;
	batch->nr_mappings = nr;
	batch->nr_workers = workers;
}

static struct io_uring kept_ring;
static bool ring_is_kept;

void map_ring_keep(void)
{
	if (ring_is_kept)
		return;
	map_ring_open(&kept_ring, 4, 0);
	ring_is_kept = true;
}

int map_batch_at(int vm_fd, enum map_entry entry, uint64_t batch)
{
	struct io_uring new_ring, *ring = ring_is_kept ? &kept_ring : &new_ring;
	int ret;

	if (entry == MAP_BY_IOCTL)
		return ioctl(vm_fd, KVM_MAP_MEMORY_BATCH, batch) ? -errno : 0;

	if (!ring_is_kept)
		map_ring_open(ring, 4, 0);
	map_ring_prep(ring, vm_fd, (void *)batch, 0);
	map_ring_submit(ring, 1);
	ret = map_ring_wait(ring, NULL);
	map_ring_assert_empty(ring);
	if (!ring_is_kept)
		io_uring_queue_exit(ring);
	return ret;
}

int map_batch(struct kvm_vm *vm, enum map_entry entry,
	      struct kvm_map_memory_batch *batch)
{
	struct kvm_map_memory_batch first;
	int ret;

	ret = map_batch_at(vm->fd, entry, (uint64_t)batch);
	while (ret == -EINTR && entry == MAP_BY_IOCTL) {
		first = *batch;
		ret = map_batch_at(vm->fd, entry, (uint64_t)batch);
		batch->bytes_mapped += first.bytes_mapped;
		batch->bytes_present += first.bytes_present;
		batch->bytes_skipped += first.bytes_skipped;
		if (batch->workers_used < first.workers_used)
			batch->workers_used = first.workers_used;
	}
	return ret;
}

int map_range(struct kvm_vm *vm, enum map_entry entry, uint64_t gpa,
	      uint64_t size, uint64_t flags, uint32_t workers,
	      struct kvm_map_memory_batch *out)
{
	struct kvm_memory_mapping mapping = {
		.base_address = gpa,
		.size = size,
		.flags = flags,
	};
	struct kvm_map_memory_batch batch;
	int ret;

	map_batch_init(&batch, &mapping, 1, workers);
	ret = map_batch(vm, entry, &batch);
	TEST_ASSERT(mapping.base_address + mapping.size == gpa + size &&
		    mapping.flags == flags,
		    "what is left must end where the range ended");
	TEST_ASSERT(!ret == !mapping.size && batch.first_undone == !ret,
		    "result %d with 0x%llx bytes left, first_undone %u", ret,
		    mapping.size, batch.first_undone);
	if (out) {
		*out = batch;
		out->mappings = 0;
	}
	return ret;
}

void assert_batch_done(const struct kvm_map_memory_batch *batch,
		       uint64_t mapped, uint64_t present)
{
	const struct kvm_memory_mapping *mappings = (void *)batch->mappings;
	uint32_t i;

	TEST_ASSERT_EQ(batch->first_undone, batch->nr_mappings);
	TEST_ASSERT_EQ(batch->bytes_mapped, mapped);
	TEST_ASSERT_EQ(batch->bytes_present, present);
	TEST_ASSERT_EQ(batch->bytes_skipped, 0);
	TEST_ASSERT(batch->workers_used >= 1 &&
		    (!batch->nr_workers ||
		     batch->workers_used <= batch->nr_workers),
		    "%u workers took part, %u were allowed",
		    batch->workers_used, batch->nr_workers);
	for (i = 0; mappings && i < batch->nr_mappings; i++)
		TEST_ASSERT(!mappings[i].size, "mapping %u: 0x%llx bytes left",
			    i, mappings[i].size);
}

void assert_batch_pages(const struct kvm_map_memory_batch *batch, uint64_t mapped,
			uint64_t present, uint64_t skipped)
{
	TEST_ASSERT_EQ(batch->bytes_mapped / PAGE_SIZE, mapped);
	TEST_ASSERT_EQ(batch->bytes_present / PAGE_SIZE, present);
	TEST_ASSERT_EQ(batch->bytes_skipped / PAGE_SIZE, skipped);
	TEST_ASSERT_EQ(batch->first_undone, batch->nr_mappings);
}

void assert_map_range(struct kvm_vm *vm, enum map_entry entry, uint64_t gpa,
		      uint64_t size, uint64_t flags, uint32_t workers,
		      uint64_t mapped)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(map_range(vm, entry, gpa, size, flags, workers, &batch), 0);
	assert_batch_done(&batch, mapped, size - mapped);
}

static void *map_thread_main(void *data)
{
	struct map_thread *thread = data;

	thread->result = map_batch_at(thread->vm->fd, thread->entry,
				      (uint64_t)thread->batch);
	return NULL;
}

void map_thread_start(struct map_thread *thread, struct kvm_vm *vm,
		      enum map_entry entry, struct kvm_map_memory_batch *batch)
{
	thread->vm = vm;
	thread->entry = entry;
	thread->batch = batch;
	TEST_ASSERT(!pthread_create(&thread->thread, NULL, map_thread_main,
				    thread), "Cannot create a thread");
}

int map_thread_join(struct map_thread *thread)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += DEADLINE_MS / 1000;
	TEST_ASSERT(!pthread_timedjoin_np(thread->thread, NULL, &end),
		    "The call did not return in %d ms", DEADLINE_MS);
	return thread->result;
}

void map_ring_open(struct io_uring *ring, unsigned int entries,
		   unsigned int flags)
{
	int ret = io_uring_queue_init(entries, ring, flags);

	TEST_ASSERT(!ret, "io_uring with flags 0x%x: %s", flags, strerror(-ret));
}

struct io_uring_sqe *map_ring_prep(struct io_uring *ring, int fd,
				   const struct kvm_map_memory_batch *batch,
				   uint64_t user_data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct kvm_map_memory_cmd cmd = { .batch = (uint64_t)batch };

	TEST_ASSERT(sqe, "The submission queue is full");
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = KVM_MAP_MEMORY_BATCH;
	sqe->user_data = user_data;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	return sqe;
}

void map_ring_submit(struct io_uring *ring, int nr)
{
	int ret = io_uring_submit(ring);

	TEST_ASSERT(ret == nr, "Submitted %d of %d entries", ret, nr);
}

int map_ring_wait(struct io_uring *ring, uint64_t *user_data)
{
	struct __kernel_timespec deadline = { .tv_sec = DEADLINE_MS / 1000 };
	struct io_uring_cqe *cqe;
	int ret;

	do {
		ret = io_uring_wait_cqe_timeout(ring, &cqe, &deadline);
	} while (ret == -EINTR);
	TEST_ASSERT(!ret, "No CQE in %d ms: %s", DEADLINE_MS, strerror(-ret));

	ret = cqe->res;
	TEST_ASSERT(!cqe->flags, "CQE with flags 0x%x", cqe->flags);
	if (user_data)
		*user_data = cqe->user_data;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

void map_ring_wait_all(struct io_uring *ring, int *results, int nr)
{
	bool seen[nr];
	int i;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < nr; i++) {
		uint64_t user_data;
		int res = map_ring_wait(ring, &user_data);

		TEST_ASSERT(user_data < nr && !seen[user_data],
			    "CQE for entry %lu came twice or was not asked for",
			    user_data);
		seen[user_data] = true;
		results[user_data] = res;
	}
	map_ring_assert_empty(ring);
}

void map_ring_assert_empty(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	TEST_ASSERT(io_uring_peek_cqe(ring, &cqe), "A CQE too many");
}
