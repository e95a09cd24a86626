/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GUEST_H
#define GUEST_H

/* The end of the guest's own memory, of the linker script. */
extern char guest_end[];

#endif
