// SPDX-License-Identifier: GPL-2.0
#include <poll.h>
#include <sys/wait.h>

#include "test_util.h"

#include "blocked_job.h"
#include "host_state.h"
#include "vmm_process.h"

void vmm_process_init(struct vmm_process *vmm)
{
	int fds[2];

	vmm->page_tables_kib = vm_page_tables_kib();
	TEST_ASSERT(!pipe(fds), "Cannot make a pipe");
	vmm->from_vmm = fds[0];
	vmm->to_test = fds[1];
}

void vmm_process_destroy(struct vmm_process *vmm)
{
	close(vmm->from_vmm);
	close(vmm->to_test);
}

void vmm_say(struct vmm_process *vmm, char word)
{
	TEST_ASSERT(write(vmm->to_test, &word, 1) == 1, "The test is gone");
}

char vmm_hear(struct vmm_process *vmm)
{
	struct pollfd pollfd = { .fd = vmm->from_vmm, .events = POLLIN };
	char word;

	TEST_ASSERT(poll(&pollfd, 1, DEADLINE_MS) == 1 &&
		    read(vmm->from_vmm, &word, 1) == 1, "The VMM says nothing");
	return word;
}

int vmm_wait(struct vmm_process *vmm)
{
	uint64_t start = now_ms();
	int status;

	TEST_ASSERT(wait_until(waitpid(vmm->pid, &status, WNOHANG) == vmm->pid),
		    "The VMM does not end");
	TEST_ASSERT(now_ms() - start < PROMPT_MS, "The VMM took %lu ms to end",
		    now_ms() - start);
	return status;
}

void vmm_wait_gone(struct vmm_process *vmm)
{
	TEST_ASSERT(wait_until(count_vms(vmm->pid) <= 0),
		    "The VM outlives its process");
	TEST_ASSERT(wait_until(vm_page_tables_kib() <= vmm->page_tables_kib),
		    "The VM's page tables outlive its process");
}

int vmm_reap(struct vmm_process *vmm)
{
	int status = vmm_wait(vmm);

	vmm_wait_gone(vmm);
	return status;
}
