# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Those of the kernel's own KVM selftests that are about memory, on the kernel that
# looks for bugs: as good as on the distribution's kernel and modules.
# Left out is memslot_perf_test: the 32,000 memslots that it makes take minutes there.
# kernel: debug
# test-timeout: 900

exec "$(dirname "$0")/../check-upstream" --debug \
	pre_fault_memory_test set_memory_region_test smm_test state_test \
	memslot_modification_stress_test kvm_page_table_test \
	demand_paging_test dirty_log_perf_test dirty_log_page_splitting_test \
	nx_huge_pages_test.sh guest_memfd_test private_mem_conversions_test \
	private_mem_kvm_exits_test
