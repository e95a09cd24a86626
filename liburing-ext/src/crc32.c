// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "working_set_file.h"

/* The generator polynomial, its lowest bit first. */
#define POLYNOMIAL 0xedb88320U

__u32 liburing_kvm_crc32(__u32 crc, const char *bytes, size_t nr)
{
	unsigned int bit;
	size_t i;

	crc = ~crc;
	for (i = 0; i < nr; i++) {
		crc ^= (unsigned char)bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return ~crc;
}
