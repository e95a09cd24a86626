// SPDX-License-Identifier: GPL-2.0
#include <cpuid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm_map_memory.h>

#include "kvm.h"
#include "machine.h"
#include "sysfile.h"

#define ALL_FEATURES	(KVM_MAP_MEMORY_FEATURE_VCPU | KVM_MAP_MEMORY_FEATURE_BATCH | \
			 KVM_MAP_MEMORY_FEATURE_URING | KVM_MAP_MEMORY_FEATURE_READ | \
			 KVM_MAP_MEMORY_FEATURE_RESIDENT | \
			 KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS | \
			 KVM_MAP_MEMORY_FEATURE_OWN_THREADS | \
			 KVM_MAP_MEMORY_FEATURE_PROGRESS | \
			 KVM_MAP_MEMORY_FEATURE_BACKGROUND)

struct machine machine;

static bool can(unsigned long extension)
{
	return ioctl(machine.kvm_fd, KVM_CHECK_EXTENSION, extension) > 0;
}

static bool can_protect(void)
{
	int types = ioctl(machine.kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VM_TYPES);

	return types > 0 && (types & (1 << KVM_X86_SW_PROTECTED_VM));
}

/* From where to where a function of the kernel reaches. */
static bool find_function(const char *wanted, unsigned long *start, unsigned long *end)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	unsigned long address;
	char name[128];

	*start = 0;
	*end = 0;
	while (file && !*end && fscanf(file, "%lx %*c %127s%*[^\n]", &address, name) == 2) {
		if (*start && address > *start)
			*end = address;
		else if (!*start && !strcmp(name, wanted))
			*start = address;
	}
	if (file)
		fclose(file);
	return *end;
}

static bool set_injection(const char *what, const char *name, unsigned long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", what, name);
	snprintf(text, sizeof(text), "%lu", value);
	return !sysfile_write(path, text);
}

/*
 * Allocations that may sleep fail, too, and quietly; but not those for a thread,
 * for the kernel warns if it cannot make its stack.
 */
static bool prepare_fail_nth(void)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	unsigned long start, end;
	unsigned int i;

	if (access("/proc/self/fail-nth", W_OK) ||
	    !find_function("copy_process", &start, &end))
		return false;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!set_injection(kinds[i], "ignore-gfp-wait", 0) ||
		    !set_injection(kinds[i], "verbose", 0) ||
		    !set_injection(kinds[i], "stacktrace-depth", 32) ||
		    !set_injection(kinds[i], "reject-start", start) ||
		    !set_injection(kinds[i], "reject-end", end))
			return false;
	}
	return set_injection("fail_page_alloc", "ignore-gfp-highmem", 0) &&
	       set_injection("fail_page_alloc", "min-order", 0);
}

static bool start_ksm(void)
{
	return !sysfile_write("/sys/kernel/mm/ksm/pages_to_scan", "100") &&
	       !sysfile_write("/sys/kernel/mm/ksm/sleep_millisecs", "100") &&
	       !sysfile_write("/sys/kernel/mm/ksm/run", "1");
}

static bool can_poison(void)
{
	return !access("/proc/kpageflags", R_OK) && getuid() == 0 &&
	       !access("/proc/sys/vm/memory_failure_recovery", R_OK);
}

static uint64_t gpa_end(void)
{
	unsigned int eax = 0, ebx, ecx, edx;

	__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx);
	return 1ULL << (eax & 0xff);
}

static bool has_uffd(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

void machine_probe(void)
{
	const char *factor = getenv("TEST_TIMEOUT_FACTOR");
	struct failure failure;
	int features;

	machine.kvm_fd = kvm_open(&failure);
	if (machine.kvm_fd < 0) {
		printf("1..0 # SKIP %s\n", failure.reason);
		exit(4);
	}
	features = ioctl(machine.kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAP_MEMORY);
	if (features < 0 || (features & ALL_FEATURES) != ALL_FEATURES) {
		printf("1..0 # SKIP no KVM with KVM_CAP_MAP_MEMORY\n");
		exit(4);
	}

	machine.run_size = ioctl(machine.kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	machine.nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	machine.timeout_factor = factor ? atoi(factor) : 1;
	machine.gpa_end = gpa_end();
	machine.protected_vms = can_protect();
	machine.dirty_ring = can(KVM_CAP_DIRTY_LOG_RING);
	machine.fail_nth = prepare_fail_nth();
	machine.uffd = has_uffd();
	machine.ksm = start_ksm();
	machine.poison = can_poison();
	machine.freezer = !access(CGROUP_ROOT "/cgroup.procs", W_OK);
	machine.namespaces = !access("/proc/self/ns/uts", R_OK);
}
