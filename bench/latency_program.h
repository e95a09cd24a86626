/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LATENCY_PROGRAM_H
#define LATENCY_PROGRAM_H

#include <stdint.h>

extern const uint8_t latency_program[], latency_program_end[];

#endif
