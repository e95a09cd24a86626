// SPDX-License-Identifier: MIT
/*
 * What is left to map, in order.  A piece lies in one piece of memory and has the
 * flags of both.
 */
#include <errno.h>
#include <stdlib.h>

#include "blocking.h"
#include "session.h"

/* Cuts what lies in one piece of memory off the start; 0 if nothing does. */
static int cut(const struct kvm_prefault_session *session,
	       struct kvm_memory_mapping *rest, struct kvm_memory_mapping *piece)
{
	const struct kvm_prefault_memory *memory =
		liburing_kvm_memory_find(session, rest->base_address);
	__u64 size;

	if (!memory)
		return 0;
	size = memory->size - (rest->base_address - memory->base_address);
	if (size > rest->size)
		size = rest->size;
	kvm_memory_mapping_init(piece, rest->base_address, size,
				rest->flags | memory->flags);
	rest->base_address += size;
	rest->size -= size;
	return 1;
}

int liburing_kvm_check_mappings(const struct kvm_prefault_session *session,
				const struct kvm_memory_mapping *mappings,
				unsigned int nr)
{
	struct kvm_memory_mapping rest, piece;
	unsigned int i;

	if (!mappings || !nr)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		rest = mappings[i];
		if (((rest.base_address | rest.size) & (session->page_size - 1)) ||
		    !rest.size || rest.base_address + rest.size < rest.base_address ||
		    (rest.flags & ~KVM_MEMORY_MAPPING_FLAGS_ALL))
			return -EINVAL;
		while (rest.size)
			if (!cut(session, &rest, &piece))
				return -EINVAL;
	}
	return 0;
}

/*
 * Room for nr more, and for the pieces of the slice under way, whose return must not
 * fail.
 */
static int reserve(struct queue *queue, size_t nr)
{
	size_t capacity = queue->nr + nr + MAX_PIECES + MAX_PARTS;
	struct kvm_memory_mapping *pieces;

	if (capacity <= queue->capacity)
		return 0;
	/* By halves, lest many calls copy all each time. */
	capacity += capacity / 2;
	pieces = malloc(capacity * sizeof(*pieces));
	if (!pieces)
		return -ENOMEM;
	if (queue->nr)
		memcpy(pieces, queue->pieces + queue->first,
		       queue->nr * sizeof(*pieces));
	free(queue->pieces);
	queue->pieces = pieces;
	queue->first = 0;
	queue->capacity = capacity;
	return 0;
}

/* Moves the pieces so that the first is at the index. */
static void move(struct queue *queue, size_t first)
{
	memmove(queue->pieces + first, queue->pieces + queue->first,
		queue->nr * sizeof(*queue->pieces));
	queue->first = first;
}

int liburing_kvm_queue_add(struct kvm_prefault_session *session, struct queue *queue,
			   const struct kvm_memory_mapping *mappings, unsigned int nr)
{
	struct kvm_memory_mapping rest, piece;
	size_t nr_pieces = 0;
	unsigned int i;

	for (i = 0; i < nr; i++)
		for (rest = mappings[i]; rest.size; nr_pieces++)
			cut(session, &rest, &piece);
	if (reserve(queue, nr_pieces))
		return -ENOMEM;
	if (queue->first + queue->nr + nr_pieces > queue->capacity)
		move(queue, 0);
	for (i = 0; i < nr; i++) {
		session->sum.bytes_total += mappings[i].size;
		for (rest = mappings[i]; rest.size; queue->nr++)
			cut(session, &rest, queue->pieces + queue->first + queue->nr);
	}
	return 0;
}

/*
 * Of a huge page that a slice ends in, the next one would find the rest present.  A
 * slice of several such pages is a multiple of them.
 */
static __u64 alignment_of(__u64 slice_size)
{
	__u64 alignment = slice_size & -slice_size;

	return alignment > HUGE_SIZE ? alignment : HUGE_SIZE;
}

/* How much of the piece a slice takes that may have bytes more. */
static __u64 portion(const struct kvm_memory_mapping *piece, __u64 bytes,
		     __u64 alignment)
{
	__u64 start = piece->base_address, end = start + bytes;

	if (bytes >= piece->size)
		return piece->size;
	if (end - end % alignment > start)
		end -= end % alignment;
	else if (end - end % HUGE_SIZE > start)
		end -= end % HUGE_SIZE;
	return end - start;
}

void liburing_kvm_queue_take(struct queue *queue, struct slice *slice, __u64 bytes,
			     unsigned int max_pieces)
{
	__u64 size, alignment = alignment_of(bytes);
	struct kvm_memory_mapping *piece;

	slice->nr = 0;
	slice->bytes = 0;
	slice->mapped = 0;
	slice->present = 0;
	slice->skipped = 0;
	slice->uncounted = 0;
	slice->threads = 0;
	slice->first_undone = 0;
	while (queue->nr && slice->nr < max_pieces && slice->bytes < bytes) {
		piece = queue->pieces + queue->first;
		size = portion(piece, bytes - slice->bytes, alignment);
		if (slice->nr && size < piece->size &&
		    (piece->base_address + size) % alignment)
			break;
		kvm_memory_mapping_init(&slice->pieces[slice->nr++],
					piece->base_address, size, piece->flags);
		slice->bytes += size;
		piece->base_address += size;
		piece->size -= size;
		if (!piece->size) {
			queue->first++;
			queue->nr--;
		}
	}
}

void liburing_kvm_queue_return(struct queue *queue, const struct slice *slice)
{
	struct kvm_memory_mapping *first;
	const struct kvm_memory_mapping *piece;
	unsigned int i;

	if (queue->first < slice->nr)
		move(queue, queue->capacity - queue->nr);
	for (i = slice->nr; i-- > 0;) {
		piece = &slice->pieces[i];
		if (!piece->size)
			continue;
		first = queue->pieces + queue->first;
		if (queue->nr && first->flags == piece->flags &&
		    piece->base_address + piece->size == first->base_address) {
			first->base_address = piece->base_address;
			first->size += piece->size;
			continue;
		}
		queue->pieces[--queue->first] = *piece;
		queue->nr++;
	}
}

__u64 liburing_kvm_queue_bytes(const struct queue *queue)
{
	/* Without memory until something is added. */
	return queue->nr ? liburing_kvm_mappings_bytes(queue->pieces + queue->first,
						       queue->nr) : 0;
}
