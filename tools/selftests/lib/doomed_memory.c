// SPDX-License-Identifier: GPL-2.0
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "doomed_vmm.h"
#include "uffd_gate.h"

static struct uffd_gate gate;

static bool ioctls_are_done(const struct doomed_round *round)
{
	unsigned int i;

	for (i = 0; i < round->nr_jobs; i++) {
		if (round->jobs[i].entry != ENTRY_URING &&
		    !READ_ONCE(round->jobs[i].returned))
			return false;
	}
	return true;
}

/* A slow handler, which resolves 64 pages at a time. */
static void *handle_faults(void *data)
{
	const uint64_t size = 64 * PAGE_SIZE;
	struct pollfd pollfd = { .fd = gate.fd, .events = POLLIN };
	const struct doomed_round *round = data;
	uint64_t state = round->seed;

	/* The last threads of a process must not wait for this one. */
	while (round->death != DEATH_THREADS || !READ_ONCE(round->struck) ||
	       !ioctls_are_done(round)) {
		struct uffdio_zeropage zero = {};
		struct uffdio_range all;
		struct uffd_msg msg;

		if (poll(&pollfd, 1, 10) != 1 || read(gate.fd, &msg, sizeof(msg)) < 0)
			continue;
		usleep((state = state * 6364136223846793005ULL + 1) >> 56);
		all.start = msg.arg.pagefault.address & ~(size - 1);
		all.len = size;
		zero.range = all;
		while (zero.range.len) {
			zero.zeropage = 0;
			ioctl(gate.fd, UFFDIO_ZEROPAGE, &zero);
			/* Pages there already, or not any more, are skipped. */
			zero.zeropage = max_t(int64_t, zero.zeropage, PAGE_SIZE);
			zero.range.start += zero.zeropage;
			zero.range.len -= zero.zeropage;
		}
		/* Also who waits for memory that has been unmapped meanwhile. */
		ioctl(gate.fd, UFFDIO_WAKE, &all);
	}
	syscall(__NR_exit, 0);
	return NULL;
}

void *doomed_memory_create(struct kvm_vm *vm, struct doomed_round *round)
{
	pthread_t thread;
	void *memory;
	int fd;

	memory = test_mem_alloc(DOOMED_SIZE);
	switch (round->backing) {
	case BACKING_THP:
		madvise(memory, DOOMED_SIZE, MADV_HUGEPAGE);
		break;
	case BACKING_MEMFD:
		fd = memfd_create("doomed", MFD_CLOEXEC);
		TEST_ASSERT(fd >= 0 && !ftruncate(fd, DOOMED_SIZE) &&
			    mmap(memory, DOOMED_SIZE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_FIXED, fd, 0) == memory,
			    "Cannot map a memfd");
		close(fd);
		break;
	case BACKING_UFFD:
		TEST_ASSERT(uffd_gate_close_off(&gate, memory, DOOMED_SIZE),
			    "userfaultfd is not permitted any more");
		TEST_ASSERT(!pthread_create(&thread, NULL, handle_faults, round),
			    "Cannot create a thread");
		break;
	default:
		break;
	}
	test_slot_set(vm, TEST_SLOT, 0, TEST_GPA, DOOMED_SIZE, memory);
	return memory;
}
