// SPDX-License-Identifier: GPL-2.0
#include "mthp.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kernel-page-flags.h>

#include "host_files.h"
#include "host_state.h"
#include "test_vm.h"

/* Memory under MADV_HUGEPAGE has the largest folios that are enabled and fit. */
static bool enable(unsigned int kib, const char *when)
{
	char path[128];

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/transparent_hugepage/hugepages-%ukB/enabled", kib);
	return file_write(path, when);
}

void *mthp_alloc(unsigned int kib, uint64_t size)
{
	unsigned int other;
	void *hva;

	/* A test that failed may have left one. */
	for (other = 8; other < SZ_2M / 1024; other *= 2)
		enable(other, "never");
	if (!enable(kib, "madvise"))
		return NULL;
	TEST_ASSERT(enable(SZ_2M / 1024, "never"), "Cannot do without huge pages");
	hva = test_mem_alloc(size);
	TEST_ASSERT(!madvise(hva, size, MADV_HUGEPAGE), "MADV_HUGEPAGE failed");
	return hva;
}

/* To what the kernel begins with. */
void mthp_free(unsigned int kib, void *hva, uint64_t size)
{
	munmap(hva, size);
	enable(kib, "never");
	enable(SZ_2M / 1024, "inherit");
}

uint64_t mthp_count(const void *hva, uint64_t nr_pages)
{
	int fd = open("/proc/kpageflags", O_RDONLY);
	uint64_t nr = 0, i, pfn, flags;

	TEST_ASSERT(fd >= 0, "Cannot open /proc/kpageflags");
	for (i = 0; i < nr_pages; i++) {
		pfn = page_pfn(hva + i * PAGE_SIZE);
		if (!pfn)
			continue;
		TEST_ASSERT(pread(fd, &flags, sizeof(flags), pfn * sizeof(flags)) ==
			    sizeof(flags), "Cannot read the flags of page 0x%lx", pfn);
		nr += !!(flags & (1ULL << KPF_COMPOUND_HEAD));
	}
	close(fd);
	return nr;
}

bool mthp_split(const void *hva, uint64_t size)
{
	char range[128];

	snprintf(range, sizeof(range), "%d,%p,%p", getpid(), hva, hva + size);
	return file_write(SPLIT_HUGE_PAGES, range);
}

bool mthp_all_split(const void *hva, uint64_t size)
{
	mthp_split(hva, size);
	return !mthp_count(hva, size / PAGE_SIZE);
}
