/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's program in 64-bit mode, where each address is mapped to itself.
 *
 * It lies at guest-physical address 0: a page for code, then page tables that
 * map 1 GiB at a time, so that none of them lies in the memory they map.
 */
#ifndef LONG_MODE_H
#define LONG_MODE_H

#include <stddef.h>
#include <stdint.h>

#define LONG_MODE_CODE	0

/* Its size, where the guest's memory ends at memory_end. */
uint64_t long_mode_bytes(uint64_t memory_end);
/* Writes it to as many bytes; code_bytes are at most a page. */
void long_mode_write(void *program, const void *code, size_t code_bytes,
		     uint64_t memory_end);
/*
 * Switches a vCPU to it.  KVM_SET_REGS is the caller's.  0, or a negative errno.
 */
int long_mode_enter(int vcpu_fd);

#endif
