/* SPDX-License-Identifier: MIT */
/* What the example of each manual page defines: prefaults all of the guest's memory. */
int prefault_guest(int vm_fd, void *memory, __u64 size);
