/* SPDX-License-Identifier: GPL-2.0 */
/* A VMM seen from the host: its threads, its VMs, its pages. */
#ifndef SELFTESTS_HOST_STATE_H
#define SELFTESTS_HOST_STATE_H

#include <linux/version.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "timeout.h"

/*
 * Far more than anything takes, on an emulated machine of 16 CPUs that has an
 * eighth of one too.
 */
#define DEADLINE_MS	(40000 * timeout_factor())
/* Less than the ten seconds after which a job without progress gives up. */
#define PROMPT_MS	(8000 * timeout_factor())

/* Of KERNEL_VERSION() in <linux/version.h>, for what KVM_MAP_MEMORY does not decide. */
unsigned int kernel_version(void);

uint64_t now_ms(void);

/* Waits for @cond, at most DEADLINE_MS; returns whether it came true. */
#define wait_until(cond)						\
({									\
	uint64_t __end = now_ms() + DEADLINE_MS;			\
	bool __came;							\
									\
	while (!(__came = !!(cond)) && now_ms() < __end)		\
		usleep(1000);						\
	__came;								\
})

/* Threads whose name starts with @comm, of this process or of another. */
int count_threads(const char *comm);
int count_threads_of(pid_t pid, const char *comm);
/* Those of this process, and the ids of the first @max of them. */
int find_threads(const char *comm, pid_t *tids, int max);
int find_threads_of(pid_t pid, const char *comm, pid_t *tids, int max);
/* VMs that debugfs shows for process @pid; -1 where there is no debugfs. */
int count_vms(pid_t pid);

/* The value of @name in /proc/meminfo. */
uint64_t meminfo_kib(const char *name);
/* All page tables of all VMs, in KiB. */
uint64_t vm_page_tables_kib(void);

/* The entry of /proc/self/pagemap of the page at @addr. */
uint64_t pagemap_entry(const void *addr);
bool page_is_present(const void *addr);
/* 0 if not present. */
uint64_t page_pfn(const void *addr);
/* Bytes of transparent huge pages in [@addr, @addr + @size). */
uint64_t thp_bytes(const void *addr, uint64_t size);

#endif /* SELFTESTS_HOST_STATE_H */
