// SPDX-License-Identifier: MIT
/* A batch by threads of the caller's process, in place of the kernel's helpers. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "blocking.h"

/* Between two looks whether the batch is running. */
#define JOIN_AGAIN_NS 100000

/* What the threads of one call share. */
struct team {
	int vm_fd;
	/* What the kernel gets, and knows the batch by. */
	struct kvm_map_memory_batch part;
	atomic_int ended;
	unsigned int nr;
	pthread_t threads[KVM_MAP_MEMORY_MAX_WORKERS];
};

/*
 * The batch may not be running yet; or it has ended with an error after which it is
 * submitted again.
 */
static void *join_team(void *data)
{
	const struct timespec pause = { .tv_nsec = JOIN_AGAIN_NS };
	struct team *team = data;
	int ret;

	while (!atomic_load(&team->ended)) {
		ret = kvm_map_memory_join(team->vm_fd, &team->part);
		if (ret < 0 && ret != -ENOENT && ret != -EINTR && ret != -ENOMEM)
			break;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

unsigned int liburing_kvm_count_cpus(void)
{
	cpu_set_t cpus;
	unsigned int nr = 1;

	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		nr = CPU_COUNT(&cpus);
	return nr < KVM_MAP_MEMORY_MAX_WORKERS ? nr : KVM_MAP_MEMORY_MAX_WORKERS;
}

/* As many as can be made; signals are for the caller's own threads. */
static void start_team(struct team *team, unsigned int nr_threads,
		       const pthread_attr_t *attr)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (team->nr + 1 < nr_threads &&
	       !pthread_create(&team->threads[team->nr], attr, join_team, team))
		team->nr++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int kvm_map_memory_batch_run_threads(int vm_fd, struct kvm_map_memory_batch *batch,
				     unsigned int nr_threads,
				     const pthread_attr_t *attr)
{
	struct team team = { .vm_fd = vm_fd, .part = *batch };
	unsigned int i;
	int ret;

	if (!nr_threads)
		nr_threads = liburing_kvm_count_cpus();
	if (nr_threads > KVM_MAP_MEMORY_MAX_WORKERS)
		return -EINVAL;

	team.part.flags |= KVM_MAP_MEMORY_OWN_THREADS;
	team.part.nr_workers = nr_threads;
	start_team(&team, nr_threads, attr);

	ret = liburing_kvm_run_parts(vm_fd, batch, &team.part);

	atomic_store(&team.ended, 1);
	for (i = 0; i < team.nr; i++)
		pthread_join(team.threads[i], NULL);
	return ret;
}
