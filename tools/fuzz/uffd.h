/* SPDX-License-Identifier: GPL-2.0 */
/* A userfaultfd whose handler is sometimes late, and sometimes wrong. */
#ifndef FUZZ_UFFD_H
#define FUZZ_UFFD_H

#include <stdbool.h>
#include <stdint.h>

void uffd_start(void);
/* Return 0 or a negative errno. */
int uffd_register(uint64_t start, uint64_t size, bool write_protect);
int uffd_unregister(uint64_t start, uint64_t size);
int uffd_write_protect(uint64_t start, uint64_t size, bool protect);
/* While nothing is to be late. */
void uffd_be_prompt(bool prompt);

#endif /* FUZZ_UFFD_H */
