// SPDX-License-Identifier: MIT
/* The pieces of the guest's memory, sorted, to find host addresses and flags. */
#include <errno.h>
#include <stdlib.h>

#include "session.h"

static int compare(const void *a, const void *b)
{
	const struct kvm_prefault_memory *first = a, *second = b;

	return first->base_address < second->base_address ? -1 :
	       first->base_address > second->base_address;
}

static int valid(const struct kvm_prefault_memory *piece, __u64 page_size)
{
	__u64 host = (unsigned long)piece->host_address;

	return !((piece->base_address | piece->size | host) & (page_size - 1)) &&
	       piece->size && piece->base_address + piece->size > piece->base_address &&
	       (!host || host + piece->size > host) &&
	       !(piece->flags & ~KVM_MEMORY_MAPPING_FLAGS_ALL);
}

int liburing_kvm_memory_init(struct kvm_prefault_session *session,
			     const struct kvm_prefault_memory *memory, unsigned int nr)
{
	struct kvm_prefault_memory *copy;
	unsigned int i;

	if (!memory || !nr)
		return -EINVAL;
	for (i = 0; i < nr; i++)
		if (!valid(&memory[i], session->page_size))
			return -EINVAL;
	copy = malloc(nr * sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	session->memory = copy;
	session->nr_memory = nr;
	memcpy(copy, memory, nr * sizeof(*copy));
	qsort(copy, nr, sizeof(*copy), compare);
	for (i = 1; i < nr; i++)
		if (copy[i - 1].base_address + copy[i - 1].size > copy[i].base_address)
			return -EINVAL;
	return 0;
}

const struct kvm_prefault_memory *
liburing_kvm_memory_find(const struct kvm_prefault_session *session, __u64 address)
{
	const struct kvm_prefault_memory *memory = session->memory;
	unsigned int low = 0, high = session->nr_memory, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (address < memory[middle].base_address)
			high = middle;
		else if (address - memory[middle].base_address >= memory[middle].size)
			low = middle + 1;
		else
			return &memory[middle];
	}
	return NULL;
}
