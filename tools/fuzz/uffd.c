// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "fuzz.h"
#include "machine.h"
#include "uffd.h"

/* Faults that are answered later: at most so many, so much later. */
#define MAX_LATE	8
#define LATE_MS		60
/* Pages that an answer brings beside the one that was asked for. */
#define ANSWER_PAGES	32

struct late_fault {
	uint64_t address;
	bool write_protected;
	uint64_t due;
};

static int uffd = -1;
static atomic_bool prompt;
static struct late_fault late[MAX_LATE];
static unsigned int nr_late;

static int uffd_open(void)
{
	return syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
}

static int uffd_ioctl(unsigned long request, void *argument)
{
	return ioctl(uffd, request, argument) ? -errno : 0;
}

int uffd_register(uint64_t start, uint64_t size, bool write_protect)
{
	struct uffdio_register reg = {
		.range = { start, size },
		.mode = UFFDIO_REGISTER_MODE_MISSING |
			(write_protect ? UFFDIO_REGISTER_MODE_WP : 0),
	};

	return uffd_ioctl(UFFDIO_REGISTER, &reg);
}

int uffd_unregister(uint64_t start, uint64_t size)
{
	struct uffdio_range range = { start, size };

	return uffd_ioctl(UFFDIO_UNREGISTER, &range);
}

int uffd_write_protect(uint64_t start, uint64_t size, bool protect)
{
	struct uffdio_writeprotect wp = {
		.range = { start, size },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return uffd_ioctl(UFFDIO_WRITEPROTECT, &wp);
}

void uffd_be_prompt(bool value)
{
	prompt = value;
}

/*
 * Who waits is woken even if nothing can be provided: memory that was unmapped
 * or moved meanwhile is no longer this userfaultfd's, but who waits for it is.
 */
static void answer(uint64_t address, bool write_protected)
{
	struct uffdio_range range = { address, PAGE_SIZE };
	struct uffdio_zeropage zero = {
		.range = { address, ANSWER_PAGES * PAGE_SIZE },
	};

	if (write_protected) {
		uffd_write_protect(address, PAGE_SIZE, false);
	} else if (uffd_ioctl(UFFDIO_ZEROPAGE, &zero) && zero.zeropage <= 0) {
		zero.range.len = PAGE_SIZE;
		uffd_ioctl(UFFDIO_ZEROPAGE, &zero);
	}
	uffd_ioctl(UFFDIO_WAKE, &range);
}

static void answer_late(void)
{
	uint64_t now = now_ms();
	unsigned int i = 0;

	while (i < nr_late) {
		if (!prompt && late[i].due > now) {
			i++;
			continue;
		}
		answer(late[i].address, late[i].write_protected);
		late[i] = late[--nr_late];
	}
}

static void handle(const struct uffd_msg *msg, struct rng *rng)
{
	uint64_t address = msg->arg.pagefault.address & ~(PAGE_SIZE - 1);
	bool wp = msg->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP;
	struct uffdio_range range = { address, PAGE_SIZE };
	unsigned int mood = rng_below(rng, 16);

	if (!prompt && mood == 0 && nr_late < MAX_LATE)
		late[nr_late++] = (struct late_fault) {
			address, wp, now_ms() + LATE_MS,
		};
	else if (mood == 1)	/* for nothing: the fault comes back */
		uffd_ioctl(UFFDIO_WAKE, &range);
	else
		answer(address, wp);
}

static void *handler_main(void *unused)
{
	struct rng rng = rng_for(options.seed, MAX_THREADS + 1, 0);
	struct pollfd pollfd = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	for (;;) {
		poll(&pollfd, 1, nr_late ? 5 : 50);
		while (read(uffd, &msg, sizeof(msg)) == sizeof(msg))
			if (msg.event == UFFD_EVENT_PAGEFAULT)
				handle(&msg, &rng);
		answer_late();
	}
	return unused;
}

void uffd_start(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	pthread_t thread;

	if (!machine.uffd)
		return;
	uffd = uffd_open();
	if (uffd < 0 || uffd_ioctl(UFFDIO_API, &api)) {
		machine.uffd = false;
		return;
	}
	pthread_create(&thread, NULL, handler_main, NULL);
}
