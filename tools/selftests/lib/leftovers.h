/* SPDX-License-Identifier: GPL-2.0 */
/* The leftovers of a VM: there must be none. */
#ifndef SELFTESTS_LEFTOVERS_H
#define SELFTESTS_LEFTOVERS_H

#include "kvm_util.h"

/*
 * Frees @vm and asserts that it is gone, with its helper threads and its page
 * tables.  @page_tables_kib is vm_page_tables_kib() from before there was a VM.
 */
void free_and_assert_gone(struct kvm_vm *vm, uint64_t page_tables_kib);

#endif /* SELFTESTS_LEFTOVERS_H */
