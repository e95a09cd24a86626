// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <time.h>

#include "test_util.h"

#include "host_state.h"

#define PAGEMAP_PRESENT		(1ULL << 63)
#define PAGEMAP_PFN_MASK	((1ULL << 55) - 1)

unsigned int kernel_version(void)
{
	struct utsname kernel;
	int major, minor;

	TEST_ASSERT(!uname(&kernel) &&
		    sscanf(kernel.release, "%d.%d", &major, &minor) == 2,
		    "This kernel has no version");
	return KERNEL_VERSION(major, minor, 0);
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

int find_threads_of(pid_t pid, const char *comm, pid_t *tids, int max)
{
	struct dirent *entry;
	int count = 0;
	char tasks[32];
	DIR *dir;

	snprintf(tasks, sizeof(tasks), "/proc/%d/task", pid);
	dir = opendir(tasks);
	TEST_ASSERT(dir || pid != getpid(), "Cannot read %s", tasks);
	if (!dir)	/* it ended meanwhile */
		return 0;
	while ((entry = readdir(dir))) {
		char path[64 + sizeof(entry->d_name)], name[32] = "";
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/comm", tasks, entry->d_name);
		file = fopen(path, "r");
		if (!file)	/* it ended meanwhile */
			continue;
		if (fgets(name, sizeof(name), file) &&
		    !strncmp(name, comm, strlen(comm))) {
			if (count < max)
				tids[count] = atoi(entry->d_name);
			count++;
		}
		fclose(file);
	}
	closedir(dir);
	return count;
}

int find_threads(const char *comm, pid_t *tids, int max)
{
	return find_threads_of(getpid(), comm, tids, max);
}

int count_threads_of(pid_t pid, const char *comm)
{
	return find_threads_of(pid, comm, NULL, 0);
}

int count_threads(const char *comm)
{
	return count_threads_of(getpid(), comm);
}

int count_vms(pid_t pid)
{
	char prefix[32];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	dir = opendir("/sys/kernel/debug/kvm");
	if (!dir) {
		if (mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL))
			return -1;
		dir = opendir("/sys/kernel/debug/kvm");
		if (!dir)
			return -1;
	}
	snprintf(prefix, sizeof(prefix), "%d-", pid);
	while ((entry = readdir(dir)))
		count += !strncmp(entry->d_name, prefix, strlen(prefix));
	closedir(dir);
	return count;
}

uint64_t meminfo_kib(const char *name)
{
	uint64_t kib = 0;
	bool found = false;
	char line[128];
	FILE *file;

	file = fopen("/proc/meminfo", "r");
	TEST_ASSERT(file, "Cannot open /proc/meminfo");
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, name, strlen(name)) &&
			sscanf(line + strlen(name), ": %lu kB", &kib) == 1;
	fclose(file);
	TEST_ASSERT(found, "/proc/meminfo has no %s", name);
	return kib;
}

uint64_t vm_page_tables_kib(void)
{
	int fd;

	/* Each CPU keeps some of the count to itself until asked for it. */
	fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);
	if (fd >= 0) {
		TEST_ASSERT(write(fd, "1", 1) == 1, "Cannot refresh the statistics");
		close(fd);
	}
	return meminfo_kib("SecPageTables");
}

uint64_t pagemap_entry(const void *addr)
{
	uint64_t entry;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY);
	TEST_ASSERT(fd >= 0, "Cannot open /proc/self/pagemap");
	TEST_ASSERT(pread(fd, &entry, sizeof(entry), (uint64_t)addr / 4096 *
			  sizeof(entry)) == sizeof(entry),
		    "Cannot read the pagemap of %p", addr);
	close(fd);
	return entry;
}

bool page_is_present(const void *addr)
{
	return pagemap_entry(addr) & PAGEMAP_PRESENT;
}

uint64_t page_pfn(const void *addr)
{
	uint64_t entry = pagemap_entry(addr);

	return entry & PAGEMAP_PRESENT ? entry & PAGEMAP_PFN_MASK : 0;
}

uint64_t thp_bytes(const void *addr, uint64_t size)
{
	uint64_t start, end, kib, bytes = 0;
	bool inside = false;
	char line[256];
	FILE *file;

	file = fopen("/proc/self/smaps", "r");
	TEST_ASSERT(file, "Cannot open /proc/self/smaps");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start < (uint64_t)addr + size &&
				 end > (uint64_t)addr;
		else if (inside && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
			bytes += kib * 1024;
	}
	fclose(file);
	return bytes;
}
