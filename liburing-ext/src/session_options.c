// SPDX-License-Identifier: MIT
/* A new session, from options that are checked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "blocking.h"
#include "session.h"

#define FLAGS_ALL	(KVM_PREFAULT_SESSION_CALLER_RING | \
			 KVM_PREFAULT_SESSION_START_PAUSED | \
			 KVM_PREFAULT_SESSION_BACKGROUND)
/* The size of the first version. */
#define MIN_SIZE	(offsetof(struct kvm_prefault_session_options, slice_size) + 8)
/* What no later version has either; it tells bytes behind from a wild number. */
#define MAX_SIZE	4096

/* A caller's structure of another version: what it lacks is 0. */
static int copy_options(struct kvm_prefault_session_options *copy,
			const struct kvm_prefault_session_options *options)
{
	const unsigned char *bytes = (const unsigned char *)options;
	__u32 i;

	if (!options || options->size < MIN_SIZE || options->size > MAX_SIZE)
		return -EINVAL;
	for (i = sizeof(*copy); i < options->size; i++)
		if (bytes[i])
			return -E2BIG;
	memset(copy, 0, sizeof(*copy));
	memcpy(copy, options,
	       options->size < sizeof(*copy) ? options->size : sizeof(*copy));
	return 0;
}

static int check_options(const struct kvm_prefault_session_options *options,
			 __u64 page_size)
{
	if ((options->flags & ~FLAGS_ALL) || options->path > KVM_PREFAULT_PATH_POPULATE ||
	    options->vm_fd < -1 || options->nr_workers > KVM_MAP_MEMORY_MAX_WORKERS ||
	    (options->slice_size & (page_size - 1)))
		return -EINVAL;
	if (!options->mappings != !options->nr_mappings ||
	    !options->vcpu_fds != !options->nr_vcpu_fds)
		return -EINVAL;
	if ((options->flags & KVM_PREFAULT_SESSION_CALLER_RING) &&
	    options->path > KVM_PREFAULT_PATH_URING)
		return -EINVAL;
	return 0;
}

static int copy_vcpus(struct kvm_prefault_session *session,
		      const struct kvm_prefault_session_options *options)
{
	size_t size = options->nr_vcpu_fds * sizeof(int);

	if (!size)
		return 0;
	session->vcpu_fds = malloc(size);
	if (!session->vcpu_fds)
		return -ENOMEM;
	memcpy(session->vcpu_fds, options->vcpu_fds, size);
	session->nr_vcpu_fds = options->nr_vcpu_fds;
	return 0;
}

static int queue_memory(struct kvm_prefault_session *session,
			const struct kvm_prefault_session_options *options)
{
	struct kvm_memory_mapping mapping;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < options->nr_memory && !ret; i++) {
		kvm_memory_mapping_init(&mapping, options->memory[i].base_address,
					options->memory[i].size, 0);
		ret = liburing_kvm_queue_add(session, &session->normal, &mapping, 1);
	}
	return ret;
}

static int queue_mappings(struct kvm_prefault_session *session,
			  const struct kvm_prefault_session_options *options)
{
	int ret;

	if (!options->mappings)
		return queue_memory(session, options);
	ret = liburing_kvm_check_mappings(session, options->mappings,
					  options->nr_mappings);
	if (ret)
		return ret;
	return liburing_kvm_queue_add(session, &session->normal, options->mappings,
				      options->nr_mappings);
}

static void init_lock(struct kvm_prefault_session *session)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&session->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&session->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static void init_fields(struct kvm_prefault_session *session,
			const struct kvm_prefault_session_options *options)
{
	session->pid = getpid();
	session->vm_fd = options->vm_fd;
	session->flags = options->flags;
	session->nr_workers = options->nr_workers ? options->nr_workers :
						    liburing_kvm_count_cpus();
	session->slice_size = options->slice_size;
	session->pause = !!(options->flags & KVM_PREFAULT_SESSION_START_PAUSED);
	session->rate.bytes_per_second = options->rate;
	session->kick_fd = -1;
	session->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static int fill(struct kvm_prefault_session *session,
		const struct kvm_prefault_session_options *options)
{
	int ret = 0;

	init_lock(session);
	init_fields(session, options);
	if (session->event_fd < 0)
		ret = -errno;
	if (!ret)
		ret = copy_vcpus(session, options);
	if (!ret)
		ret = liburing_kvm_memory_init(session, options->memory,
					       options->nr_memory);
	if (!ret)
		ret = queue_mappings(session, options);
	return ret;
}

int liburing_kvm_session_new(struct kvm_prefault_session **result,
			     const struct kvm_prefault_session_options *caller_options,
			     char *reason, size_t size)
{
	__u64 page_size = sysconf(_SC_PAGESIZE);
	struct kvm_prefault_session_options options;
	struct kvm_prefault_session *session;
	int ret = copy_options(&options, caller_options);

	if (!ret)
		ret = check_options(&options, page_size);
	if (ret)
		return ret;
	session = calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->page_size = page_size;
	ret = fill(session, &options);
	if (!ret)
		ret = liburing_kvm_choose_path(session, options.path);
	if (size)
		snprintf(reason, size, "%s", session->reason);
	if (ret) {
		liburing_kvm_session_free(session);
		session = NULL;
	}
	*result = session;
	return ret;
}

void liburing_kvm_session_free(struct kvm_prefault_session *session)
{
	/* In a child the numbers may stand for other files by now. */
	if (session->pid == getpid()) {
		if (session->event_fd >= 0)
			close(session->event_fd);
		pthread_cond_destroy(&session->changed);
		pthread_mutex_destroy(&session->lock);
	}
	free(session->normal.pieces);
	free(session->urgent.pieces);
	free(session->memory);
	free(session->vcpu_fds);
	free(session);
}
