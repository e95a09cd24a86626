// SPDX-License-Identifier: MIT
/* Runs the example of a manual page, which is linked to it, on a VM. */
#include "session_test.h"
#include "man_example.h"

#define SIZE	(32 * MIB)

int main(void)
{
	char *memory = memory_new(SIZE);
	int vm_fd = vm_new(NULL, 0, memory, SIZE), ret;

	if (vm_fd < 0)
		return 77;
	ret = prefault_guest(vm_fd, memory, SIZE);
	if (ret) {
		printf("%s\n", strerror(-ret));
		return 1;
	}
	return resident_bytes(memory, SIZE) != SIZE;
}
