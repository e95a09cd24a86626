// SPDX-License-Identifier: MIT
/*
 * Paths that go over the host's memory in steps, in threads of the session: each has a
 * part of the slice.  Between two steps an interruption takes effect.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "session.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

#define STEP_SIZE	HUGE_SIZE
#define MIN_PAGE_SIZE	4096

struct part {
	struct kvm_prefault_session *session;
	host_step_fn *fn;
	struct kvm_memory_mapping *pieces;
	unsigned int nr, index, first_undone;
	__u64 uncounted, skipped;
	int ret;
	pthread_t thread;
};

int liburing_kvm_host_check(const struct kvm_prefault_session *session, char *why,
			    size_t size)
{
	unsigned int i;

	/* Of no bytes: only a kernel that does not know the advice refuses. */
	if (madvise(NULL, 0, MADV_POPULATE_WRITE)) {
		snprintf(why, size, "the kernel lacks MADV_POPULATE_WRITE");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < session->nr_memory; i++) {
		if (session->memory[i].host_address)
			continue;
		snprintf(why, size, "a piece of memory has no host address");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int populate(const struct host_step *step, char *host, __u64 size)
{
	unsigned char resident;

	if (!step->read_only && !madvise(host, size, MADV_POPULATE_WRITE))
		return 0;
	/* EINVAL if it may not be written to; then KVM maps it as a read, too. */
	if ((step->read_only || errno == EINVAL) &&
	    !madvise(host, size, MADV_POPULATE_READ))
		return 0;
	if (errno == EINVAL)
		return -EFAULT;
	/* Nothing is mapped there, or there is no memory. */
	if (errno == ENOMEM && mincore(host, 1, &resident) && errno == ENOMEM)
		return -EFAULT;
	return -errno;
}

/* The call does not say how far it came: so go by pages after an error. */
int liburing_kvm_populate(const struct host_step *step, __u64 *done)
{
	__u64 page_size = step->session->page_size;
	int ret = populate(step, step->host, step->size);

	if (!ret) {
		*done = step->size;
		return 0;
	}
	if (ret == -EINTR || ret == -EAGAIN)
		return ret;
	for (; *done < step->size; *done += page_size) {
		ret = populate(step, step->host + *done, page_size);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * How many bytes from the start are resident, or are not, which the result says.  A
 * page can come or go before it is used; the kernel's own flag has no such window.
 */
static int resident(const struct host_step *step, __u64 *size)
{
	unsigned char pages[STEP_SIZE / MIN_PAGE_SIZE];
	__u64 page_size = step->session->page_size, i;

	/* Unmapped: the step itself reports it. */
	if (mincore(step->host, step->size, pages))
		return 1;
	for (i = 1; i < step->size / page_size; i++)
		if ((pages[i] ^ pages[0]) & 1)
			break;
	*size = i * page_size;
	return pages[0] & 1;
}

static void advance(struct kvm_memory_mapping *piece, __u64 size)
{
	piece->base_address += size;
	piece->size -= size;
}

static int do_step(struct part *part, struct kvm_memory_mapping *piece)
{
	const struct kvm_prefault_memory *memory =
		liburing_kvm_memory_find(part->session, piece->base_address);
	struct host_step step = {
		.session = part->session,
		.index = part->index,
		.base_address = piece->base_address,
		.host = (char *)memory->host_address +
			(piece->base_address - memory->base_address),
		.size = STEP_SIZE - piece->base_address % STEP_SIZE,
		.read_only = !!(piece->flags & KVM_MEMORY_MAPPING_READ),
	};
	__u64 done = 0;
	int ret;

	if (step.size > piece->size)
		step.size = piece->size;
	if ((piece->flags & KVM_MEMORY_MAPPING_RESIDENT) &&
	    !resident(&step, &step.size)) {
		part->skipped += step.size;
		advance(piece, step.size);
		return 0;
	}
	ret = part->fn(&step, &done);
	part->uncounted += done;
	advance(piece, done);
	return ret;
}

/* Up to the first error; what is behind it comes with a later slice. */
static void *run_part(void *data)
{
	struct part *part = data;
	struct kvm_memory_mapping *piece;
	unsigned int i = 0;

	while (i < part->nr && !part->ret) {
		piece = &part->pieces[i];
		if (!piece->size)
			i++;
		else if (atomic_load(&part->session->interrupt))
			part->ret = -EINTR;
		else
			part->ret = do_step(part, piece);
	}
	part->first_undone = i;
	return NULL;
}

/*
 * Cuts the slice into parts of about the same size, whose pieces follow one another in
 * session->split.  Returns how many there are.
 */
static unsigned int split(struct kvm_prefault_session *session,
			  const struct slice *slice, struct part *parts, unsigned int nr)
{
	struct kvm_memory_mapping *out = session->split;
	__u64 part_size = slice->bytes / nr + STEP_SIZE - 1, room, size;
	struct kvm_memory_mapping rest;
	unsigned int used = 0, i;

	part_size -= part_size % STEP_SIZE;
	room = 0;
	for (i = 0; i < slice->nr; i++) {
		for (rest = slice->pieces[i]; rest.size; advance(&rest, size)) {
			if (!room) {
				room = part_size;
				parts[used].pieces = out;
				parts[used++].nr = 0;
			}
			size = rest.size < room ? rest.size : room;
			kvm_memory_mapping_init(out++, rest.base_address, size,
						rest.flags);
			parts[used - 1].nr++;
			room -= size;
		}
	}
	return used;
}

/* If a thread cannot be made, this one does its part as well; how many there were. */
static unsigned int run_parts(struct part *parts, unsigned int nr)
{
	unsigned int i, made = 1;

	while (made < nr &&
	       !pthread_create(&parts[made].thread, NULL, run_part, &parts[made]))
		made++;
	run_part(&parts[0]);
	for (i = made; i < nr; i++)
		run_part(&parts[i]);
	for (i = 1; i < made; i++)
		pthread_join(parts[i].thread, NULL);
	return made;
}

/* Returns the error of the first part that has one. */
static int join(struct slice *slice, const struct part *parts, unsigned int nr)
{
	unsigned int i;
	int ret = 0;

	slice->nr = 0;
	for (i = 0; i < nr; i++) {
		if (parts[i].ret && !ret) {
			ret = parts[i].ret;
			slice->first_undone = slice->nr + parts[i].first_undone;
		}
		slice->uncounted += parts[i].uncounted;
		slice->skipped += parts[i].skipped;
		memcpy(&slice->pieces[slice->nr], parts[i].pieces,
		       parts[i].nr * sizeof(slice->pieces[0]));
		slice->nr += parts[i].nr;
	}
	return ret;
}

int liburing_kvm_host_run(struct kvm_prefault_session *session, struct slice *slice,
			  unsigned int nr_threads, host_step_fn *fn)
{
	struct part parts[MAX_PARTS];
	unsigned int i, nr;

	memset(parts, 0, sizeof(parts));
	for (i = 0; i < nr_threads; i++) {
		parts[i].session = session;
		parts[i].fn = fn;
		parts[i].index = i;
	}
	nr = split(session, slice, parts, nr_threads);
	slice->threads = run_parts(parts, nr);
	return join(slice, parts, nr);
}
