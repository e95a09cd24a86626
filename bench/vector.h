/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many ranges of one guest, and the ways to prepare them: with a call each, or
 * with one for all.
 */
#ifndef VECTOR_H
#define VECTOR_H

#include <liburing_kvm.h>
#include "guest.h"

struct vector {
	struct guest *guest;
	struct kvm_memory_mapping *ranges;
	unsigned int nr;
	unsigned int workers;
};

struct vector_peer {
	const char *name;
	bool needs_vcpu;
	int (*prepare)(struct vector *vector, struct failure *failure);
};

extern const struct vector_peer vector_populate;
extern const struct vector_peer vector_pre_fault;
extern const struct vector_peer vector_populate_pre_fault;
extern const struct vector_peer vector_vcpu;
extern const struct vector_peer vector_ioctl;
extern const struct vector_peer vector_uring;

/* nr ranges of the same size, stride bytes apart, from the memory's start. */
int vector_create(struct vector *vector, struct guest *guest, unsigned int nr,
		  uint64_t bytes, uint64_t stride, struct failure *failure);
void vector_destroy(struct vector *vector);

#endif
