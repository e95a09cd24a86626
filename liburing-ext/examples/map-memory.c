// SPDX-License-Identifier: MIT
/*
 * Makes a VM of two ranges of memory, has KVM map both through io_uring, and
 * tells what came of it.  No vCPU is needed.
 *
 *	cc map-memory.c $(pkg-config --cflags --libs liburing-kvm)
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kvm.h>
#include <liburing_kvm.h>

#define LOW_BASE	0x0ULL
#define LOW_SIZE	(64ULL << 20)
#define HIGH_BASE	(4ULL << 30)
#define HIGH_SIZE	(128ULL << 20)

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	exit(1);
}

static void add_memory(int vm_fd, unsigned int slot, __u64 base, __u64 size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = base,
		.memory_size = size,
	};
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap", -errno);
	region.userspace_addr = (unsigned long)memory;
	if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		fail("KVM_SET_USER_MEMORY_REGION", -errno);
}

int main(void)
{
	struct kvm_memory_mapping mappings[2];
	struct kvm_map_memory_batch batch;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int kvm_fd, vm_fd, features, ret;

	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0)
		fail("/dev/kvm", -errno);
	features = kvm_map_memory_probe(kvm_fd);
	if (features < 0)
		fail("kvm_map_memory_probe", features);
	if (!(features & KVM_MAP_MEMORY_FEATURE_URING)) {
		fprintf(stderr, "this KVM has no KVM_MAP_MEMORY for io_uring\n");
		return 77;
	}
	vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	if (vm_fd < 0)
		fail("KVM_CREATE_VM", -errno);
	add_memory(vm_fd, 0, LOW_BASE, LOW_SIZE);
	add_memory(vm_fd, 1, HIGH_BASE, HIGH_SIZE);

	/* The first mapping is mapped first. */
	kvm_memory_mapping_init(&mappings[0], LOW_BASE, LOW_SIZE, 0);
	kvm_memory_mapping_init(&mappings[1], HIGH_BASE, HIGH_SIZE, 0);
	kvm_map_memory_batch_init(&batch, mappings, 2, 0);

	ret = io_uring_queue_init(8, &ring, 0);
	if (ret < 0)
		fail("io_uring_queue_init", ret);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_cmd_kvm_map_memory(sqe, vm_fd, &batch);
	io_uring_sqe_set_data(sqe, &batch);
	ret = io_uring_submit(&ring);
	if (ret < 0)
		fail("io_uring_submit", ret);

	/* A VMM would create vCPUs and devices here. */

	ret = io_uring_wait_cqe(&ring, &cqe);
	if (ret < 0)
		fail("io_uring_wait_cqe", ret);
	ret = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	io_uring_queue_exit(&ring);

	printf("%llu MiB mapped, %llu MiB present before, %llu MiB left, by %u threads\n",
	       (unsigned long long)batch.bytes_mapped >> 20,
	       (unsigned long long)batch.bytes_present >> 20,
	       (unsigned long long)kvm_map_memory_batch_left(&batch) >> 20,
	       batch.workers_used);
	if (ret < 0)
		fail("KVM_MAP_MEMORY_BATCH", ret);
	return 0;
}
