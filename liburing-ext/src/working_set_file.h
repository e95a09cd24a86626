/* SPDX-License-Identifier: MIT */
/* The file of a working set, kvm-working-set(5); no symbols of the library. */
#ifndef LIBURING_KVM_WORKING_SET_FILE_H
#define LIBURING_KVM_WORKING_SET_FILE_H

#include <linux/types.h>

/* The longest line, with its end and a NUL; longer ones are errors. */
#define WORKING_SET_LINE_MAX	96

/* The words that the three kinds of lines have, between the numbers. */
#define WORKING_SET_HEAD	"kvm-working-set 1 page-size "
#define WORKING_SET_RANGES	"ranges "
#define WORKING_SET_BYTES	" bytes "
#define WORKING_SET_CRC		" crc32 0x"

/* CRC-32 as of zlib and Ethernet; crc is 0 at first, then the last result. */
__u32 liburing_kvm_crc32(__u32 crc, const char *bytes, size_t nr);

#endif /* LIBURING_KVM_WORKING_SET_FILE_H */
