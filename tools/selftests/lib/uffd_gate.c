// SPDX-License-Identifier: GPL-2.0
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "test_util.h"

#include "host_state.h"
#include "uffd_gate.h"

#define UFFD_FEATURES							\
	(UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MISSING_HUGETLBFS |	\
	 UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_MINOR_HUGETLBFS |	\
	 UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM | \
	 UFFD_FEATURE_POISON)

static bool close_off(struct uffd_gate *gate, void *hva, uint64_t size,
		      uint64_t mode, uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register reg = {
		.range = { .start = (uint64_t)hva, .len = size },
		.mode = mode,
	};

	gate->hva = hva;
	gate->size = size;
	gate->fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (gate->fd < 0)
		return false;
	if (ioctl(gate->fd, UFFDIO_API, &api)) {
		TEST_ASSERT(features && errno == EINVAL, "UFFDIO_API failed");
		close(gate->fd);
		return false;
	}
	TEST_ASSERT(!ioctl(gate->fd, UFFDIO_REGISTER, &reg),
		    "UFFDIO_REGISTER failed");
	return true;
}

bool uffd_gate_close_off(struct uffd_gate *gate, void *hva, uint64_t size)
{
	return close_off(gate, hva, size, UFFDIO_REGISTER_MODE_MISSING, 0);
}

bool uffd_gate_close_off_mode(struct uffd_gate *gate, void *hva, uint64_t size,
			      uint64_t mode)
{
	return close_off(gate, hva, size, mode, UFFD_FEATURES);
}

void *uffd_gate_poll(struct uffd_gate *gate, int ms)
{
	struct pollfd pollfd = { .fd = gate->fd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&pollfd, 1, ms) != 1)
		return NULL;
	TEST_ASSERT(read(gate->fd, &msg, sizeof(msg)) == sizeof(msg) &&
		    msg.event == UFFD_EVENT_PAGEFAULT,
		    "Unexpected userfaultfd message");
	return (void *)(msg.arg.pagefault.address & ~4095ULL);
}

void *uffd_gate_wait(struct uffd_gate *gate)
{
	void *page = uffd_gate_poll(gate, DEADLINE_MS);

	TEST_ASSERT(page, "Nobody touched the memory in %d ms", DEADLINE_MS);
	return page;
}

bool uffd_gate_knocked(struct uffd_gate *gate)
{
	struct pollfd pollfd = { .fd = gate->fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}

void uffd_gate_release(struct uffd_gate *gate, void *hva, uint64_t size)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uint64_t)hva, .len = size },
	};

	TEST_ASSERT(!ioctl(gate->fd, UFFDIO_ZEROPAGE, &zero) ||
		    zero.zeropage == -EEXIST,
		    "UFFDIO_ZEROPAGE failed");
}

void uffd_gate_destroy(struct uffd_gate *gate)
{
	/* Closing it ends the registration and wakes whoever still waits. */
	close(gate->fd);
}
