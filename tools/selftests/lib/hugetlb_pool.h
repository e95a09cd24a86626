/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SELFTESTS_HUGETLB_POOL_H
#define SELFTESTS_HUGETLB_POOL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Asks for @nr free huge pages of @kib KiB; false where the kernel does not
 * give them.  @old_nr takes what hugetlb_pool_restore() needs.
 */
bool hugetlb_pool_grow(uint64_t kib, uint64_t nr, uint64_t *old_nr);
void hugetlb_pool_restore(uint64_t kib, uint64_t old_nr);

#endif /* SELFTESTS_HUGETLB_POOL_H */
