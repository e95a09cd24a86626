// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <liburing.h>
#include "io_uring_check.h"
#include "sysfile.h"

#define DISABLED "/proc/sys/kernel/io_uring_disabled"

static int not_permitted(struct failure *failure)
{
	unsigned long long disabled = sysfile_number(DISABLED, 0);

	if (disabled) {
		fail_unavailable(failure,
				 "io_uring is disabled (kernel.io_uring_disabled=%llu)",
				 disabled);
		advise(failure, "As root: sysctl kernel.io_uring_disabled=0\n");
		if (disabled == 1)
			advise(failure,
			       "or make the user a member of the group kernel.io_uring_group.\n");
		return -1;
	}
	fail_unavailable(failure, "io_uring: %s, by a seccomp filter",
			 strerror(EPERM));
	advise(failure,
	       "Allow io_uring_setup, io_uring_enter and io_uring_register in the sandbox or\n"
	       "container, or use the ioctl.\n");
	return -1;
}

int io_uring_check(struct failure *failure)
{
	struct io_uring ring;
	int ret = io_uring_queue_init(1, &ring, 0);

	if (ret == -EPERM)
		return not_permitted(failure);
	if (ret == -ENOSYS)
		return fail_unavailable(failure,
			"no io_uring in the kernel, or a seccomp filter hides it");
	if (ret < 0)
		return fail_errno(failure, -ret, "io_uring");
	io_uring_queue_exit(&ring);
	return 0;
}
