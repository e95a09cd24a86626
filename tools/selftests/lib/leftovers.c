// SPDX-License-Identifier: GPL-2.0
#include "host_state.h"
#include "leftovers.h"
#include "map_job.h"

void free_and_assert_gone(struct kvm_vm *vm, uint64_t page_tables_kib)
{
	kvm_vm_free(vm);
	TEST_ASSERT(wait_until(!count_threads(HELPER_COMM)),
		    "%d helper threads outlive their VM", count_threads(HELPER_COMM));
	TEST_ASSERT(wait_until(count_vms(getpid()) <= 0),
		    "The VM outlives its last descriptor");
	TEST_ASSERT(wait_until(vm_page_tables_kib() <= page_tables_kib),
		    "%lu KiB of page tables are left, there were %lu before",
		    vm_page_tables_kib(), page_tables_kib);
}
