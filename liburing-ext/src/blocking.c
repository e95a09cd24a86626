// SPDX-License-Identifier: MIT
/* The functions that call the kernel. */
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

#include "blocking.h"

int liburing_kvm_ioctl(int fd, unsigned long request, unsigned long arg)
{
	int saved_errno = errno;
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		ret = -errno;
	errno = saved_errno;
	return ret;
}

/*
 * Returns whether to repeat a call that ended with error.  Waits a little first
 * if another thread has to act before the call can succeed.
 */
static int again(int error, int progress, unsigned int *idle_calls)
{
	int saved_errno = errno;

	if (error != -EINTR && error != -EAGAIN)
		return 0;
	*idle_calls = progress ? 0 : *idle_calls + 1;
	if (*idle_calls >= MAX_IDLE_CALLS)
		return 0;
	if (error == -EAGAIN && !progress) {
		poll(NULL, 0, 1);
		errno = saved_errno;
	}
	return 1;
}

__u64 liburing_kvm_mappings_bytes(const struct kvm_memory_mapping *mappings, size_t nr)
{
	__u64 bytes = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		bytes += mappings[i].size;
	return bytes;
}

__u64 kvm_map_memory_batch_left(const struct kvm_map_memory_batch *batch)
{
	return liburing_kvm_mappings_bytes((const struct kvm_memory_mapping *)
					   (unsigned long)batch->mappings,
					   batch->nr_mappings);
}

int kvm_map_memory_probe(int fd)
{
	return liburing_kvm_ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAP_MEMORY);
}

int kvm_map_memory_vcpu(int vcpu_fd, struct kvm_memory_mapping *mapping)
{
	unsigned int idle_calls = 0;
	__u64 left;
	int ret;

	do {
		left = mapping->size;
		ret = liburing_kvm_ioctl(vcpu_fd, KVM_MAP_MEMORY, (unsigned long)mapping);
	} while (ret < 0 && mapping->size &&
		 again(ret, mapping->size < left, &idle_calls));
	return ret;
}

int liburing_kvm_run_parts(int vm_fd, struct kvm_map_memory_batch *batch,
			   struct kvm_map_memory_batch *part)
{
	__u64 mapped = 0, present = 0, skipped = 0;
	__u64 left = ~0ULL, left_before;
	unsigned int idle_calls = 0;
	__u32 workers_used = 0;
	int ret;

	do {
		/* Not 0 after a call that the kernel did not refuse. */
		part->workers_used = 0;
		ret = liburing_kvm_ioctl(vm_fd, KVM_MAP_MEMORY_BATCH, (unsigned long)part);
		if (part->workers_used) {
			mapped += part->bytes_mapped;
			present += part->bytes_present;
			skipped += part->bytes_skipped;
			if (workers_used < part->workers_used)
				workers_used = part->workers_used;
		}
		/* A vector that the kernel refused is not to be trusted. */
		if (ret != -EINTR && ret != -EAGAIN)
			break;
		left_before = left;
		left = kvm_map_memory_batch_left(batch);
	} while (again(ret, left < left_before, &idle_calls));

	if (workers_used) {
		batch->bytes_mapped = mapped;
		batch->bytes_present = present;
		batch->bytes_skipped = skipped;
		batch->workers_used = workers_used;
		batch->first_undone = part->first_undone;
	}
	return ret;
}

int kvm_map_memory_batch_run(int vm_fd, struct kvm_map_memory_batch *batch)
{
	struct kvm_map_memory_batch part = *batch;

	return liburing_kvm_run_parts(vm_fd, batch, &part);
}

int kvm_map_memory_join(int vm_fd, const struct kvm_map_memory_batch *batch)
{
	return liburing_kvm_ioctl(vm_fd, KVM_MAP_MEMORY_JOIN, (unsigned long)batch);
}

int kvm_map_memory_end_helpers(int vm_fd)
{
	return liburing_kvm_ioctl(vm_fd, KVM_MAP_MEMORY_END_HELPERS, 0);
}
