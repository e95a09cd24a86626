// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "leftovers.h"
#include "meminfo.h"
#include "place.h"
#include "sysfile.h"

/* The kernel's name for what helps with a job. */
#define HELPER_COMM	"kvm-map-memory"

static unsigned int count_helpers(void)
{
	char path[300], name[32];
	struct dirent *entry;
	unsigned int nr = 0;
	DIR *dir;

	dir = opendir("/proc/self/task");
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		if (sysfile_line(path, name, sizeof(name)) &&
		    !strcmp(name, HELPER_COMM))
			nr++;
	}
	if (dir)
		closedir(dir);
	return nr;
}

/*
 * How often the modules of KVM are in use: by each VM, and by each file of one.
 * The directories in debugfs do not tell, for two VMs can want the same name.
 */
static unsigned int count_uses(void)
{
	return sysfile_number("/sys/module/kvm_amd/refcnt", 0) +
	       sysfile_number("/sys/module/kvm_intel/refcnt", 0);
}

static uint64_t page_tables_kib(void)
{
	struct meminfo meminfo;

	meminfo_read(&meminfo);
	return meminfo.secondary_page_tables / 1024;
}

void leftovers_note(struct leftovers *before)
{
	before->uses = count_uses();
	before->page_tables_kib = page_tables_kib();
}

/* The watchdog does not look: this has a deadline of its own. */
#define wait_until(condition)						\
({									\
	uint64_t end__ = now_ms() + options.deadline * 1000ULL;		\
									\
	while (!(condition) && now_ms() < end__)			\
		usleep(5000);						\
	!!(condition);							\
})

static void *idle_main(void *unused)
{
	pause();
	return unused;
}

static void plant(void)
{
	pthread_t thread;

	if (planted("helper") && !pthread_create(&thread, NULL, idle_main, NULL))
		pthread_setname_np(thread, HELPER_COMM);
}

void leftovers_check(struct thread *thread, const struct leftovers *before)
{
	bool keep = planted("vm");
	unsigned int vm;

	plant();
	if (!wait_until(!count_helpers()))
		violation(thread, "%u helper threads are left", count_helpers());

	if (keep) {
		for (vm = 0; vm < NR_VMS; vm++)
			if (places[vm].exists && dup(VM_FD(vm)) >= 0)
				break;
	}
	call_waits(thread, "close all VMs");
	for (vm = 0; vm < NR_VMS; vm++)
		place_close(vm, vm & 1);
	call_end(thread);
	if (!wait_until(count_uses() <= before->uses))
		violation(thread, "VMs or files of them are left: %u uses of KVM, before there were %u",
			  count_uses(), before->uses);
	if (!wait_until(page_tables_kib() == before->page_tables_kib))
		violation(thread, "%lu KiB of VMs' page tables are left; before there were %lu",
			  page_tables_kib(), before->page_tables_kib);
}
