// SPDX-License-Identifier: GPL-2.0
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "test_util.h"

#include "host_state.h"
#include "uffd_gate.h"

bool uffd_gate_close_off(struct uffd_gate *gate, void *hva, uint64_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uint64_t)hva, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	gate->hva = hva;
	gate->size = size;
	gate->fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (gate->fd < 0)
		return false;
	TEST_ASSERT(!ioctl(gate->fd, UFFDIO_API, &api), "UFFDIO_API failed");
	TEST_ASSERT(!ioctl(gate->fd, UFFDIO_REGISTER, &reg),
		    "UFFDIO_REGISTER failed");
	return true;
}

void *uffd_gate_wait(struct uffd_gate *gate)
{
	struct pollfd pollfd = { .fd = gate->fd, .events = POLLIN };
	struct uffd_msg msg;

	TEST_ASSERT(poll(&pollfd, 1, DEADLINE_MS) == 1,
		    "Nobody touched the memory in %d ms", DEADLINE_MS);
	TEST_ASSERT(read(gate->fd, &msg, sizeof(msg)) == sizeof(msg) &&
		    msg.event == UFFD_EVENT_PAGEFAULT,
		    "Unexpected userfaultfd message");
	return (void *)(msg.arg.pagefault.address & ~4095ULL);
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
