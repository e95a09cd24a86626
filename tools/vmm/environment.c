// SPDX-License-Identifier: GPL-2.0
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <liburing_kvm.h>
#include "environment.h"
#include "kvm_modules.h"
#include "sysfile.h"

#define MM "/sys/kernel/mm/transparent_hugepage/"

/* Of a line such as "always [madvise] never" only what is chosen. */
static void read_choice(const char *path, char *text, size_t size)
{
	char *open, *close;

	sysfile_line(path, text, size);
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (close) {
		*close = '\0';
		memmove(text, open + 1, close - open);
	}
}

static void read_kvm(struct environment *environment, int kvm_fd)
{
	const char *vendor = kvm_vendor_module();

	kvm_parameter("kvm", "tdp_mmu", environment->tdp_mmu,
		      sizeof(environment->tdp_mmu));
	if (vendor) {
		snprintf(environment->kvm_vendor,
			 sizeof(environment->kvm_vendor), "%s", vendor);
		kvm_parameter(vendor, kvm_nested_paging_parameter(vendor),
			      environment->two_dimensional_paging,
			      sizeof(environment->two_dimensional_paging));
	}
	environment->map_memory_features = kvm_map_memory_probe(kvm_fd);
	if (environment->map_memory_features < 0)
		environment->map_memory_features = 0;
}

void environment_read(struct environment *environment, int kvm_fd)
{
	struct utsname name;
	cpu_set_t cpus;

	memset(environment, 0, sizeof(*environment));
	uname(&name);
	snprintf(environment->kernel, sizeof(environment->kernel), "%s",
		 name.release);
	sysfile_line("/proc/cmdline", environment->kernel_command_line,
		     sizeof(environment->kernel_command_line));
	sysfile_value("/proc/cpuinfo", "model name", environment->cpu_model,
		      sizeof(environment->cpu_model));
	environment->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		environment->cpus_allowed = CPU_COUNT(&cpus);
	read_choice(MM "enabled", environment->thp, sizeof(environment->thp));
	read_choice(MM "shmem_enabled", environment->thp_shmem,
		    sizeof(environment->thp_shmem));
	read_kvm(environment, kvm_fd);
}
