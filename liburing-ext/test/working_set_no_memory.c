// SPDX-License-Identifier: MIT
/*
 * Working sets without memory: each allocation of each function fails in turn.  The
 * program has the allocator's functions itself, in front of those of the C library.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>
#include "libc_allocator.h"
#include "working_set_test.h"

/* Allocations until one fails, 0 for none; and those that are not freed. */
static long fail_in, live;

static int fails(void)
{
	if (fail_in && !--fail_in) {
		errno = ENOMEM;
		return 1;
	}
	return 0;
}

void *malloc(size_t size)
{
	void *memory = fails() ? NULL : __libc_malloc(size);

	live += !!memory;
	return memory;
}

void *calloc(size_t nr, size_t size)
{
	void *memory = fails() ? NULL : __libc_calloc(nr, size);

	live += !!memory;
	return memory;
}

void *realloc(void *memory, size_t size)
{
	void *larger = fails() ? NULL : __libc_realloc(memory, size);

	live += larger && !memory;
	return larger;
}

void free(void *memory)
{
	live -= !!memory;
	__libc_free(memory);
}

/* Ranges that overlap, in no order, and more than a first allocation has room for. */
#define NR_RANGES 300

static struct kvm_memory_mapping ranges[NR_RANGES];
static struct kvm_working_set *other;
static char *pages;
static int pagemap_fd, file_fd;

static int call_add(struct kvm_working_set *set)
{
	return kvm_working_set_add(set, ranges, NR_RANGES);
}

static int call_merge(struct kvm_working_set *set)
{
	return kvm_working_set_merge(set, other);
}

static int call_intersect(struct kvm_working_set *set)
{
	return kvm_working_set_intersect(set, other);
}

static int call_split(struct kvm_working_set *set)
{
	return kvm_working_set_split(set, PAGE);
}

static int call_dirty_bitmap(struct kvm_working_set *set)
{
	static const unsigned char bitmap[] = { 0x55, 0x55, 0x55 };

	return kvm_working_set_add_dirty_bitmap(set, 0, 24, bitmap);
}

static int call_dirty_ring(struct kvm_working_set *set)
{
	static const struct kvm_dirty_gfn entry = { KVM_DIRTY_GFN_F_DIRTY, 0, 5 };
	static const struct kvm_working_set_slot slot = { 0, 0, 0, 16 * PAGE };
	int ret = kvm_working_set_add_dirty_ring(set, &entry, 1, &slot, 1);

	return ret < 0 ? ret : 0;
}

static int call_pagemap(struct kvm_working_set *set)
{
	return kvm_working_set_add_pagemap(set, pagemap_fd, (unsigned long)pages,
					   0, 16 * PAGE, KVM_WORKING_SET_PRESENT);
}

static int call_mincore(struct kvm_working_set *set)
{
	return kvm_working_set_add_mincore(set, pages, 0, 16 * PAGE);
}

static int call_read(struct kvm_working_set *set)
{
	unsigned long line = 9;
	int ret;

	lseek(file_fd, 0, SEEK_SET);
	ret = kvm_working_set_read(set, file_fd, &line);
	return line ? -EINVAL : ret;
}

static struct kvm_working_set *few_pages(void)
{
	struct kvm_working_set *set = new_set();

	ADD(set, { 9, 3 }, { 1, 1 });
	return set;
}

static void test_call(const char *name, int (*call)(struct kvm_working_set *set))
{
	struct kvm_working_set *set;
	long before = live, nr = 0, failures = 0, bad = 0;
	int ret, failed;

	/* qsort() can do without memory. */
	do {
		set = few_pages();
		errno = E2BIG;
		fail_in = ++nr;
		ret = call(set);
		failed = !fail_in;
		fail_in = 0;
		bad += errno != E2BIG || (ret && ret != -ENOMEM) || (ret && !failed);
		if (ret)
			bad += !HAS(set, { 9, 3 }, { 1, 1 });
		failures += !!ret;
		kvm_working_set_destroy(set);
		bad += live != before;
	} while (failed && !bad);
	ok(!bad && failures, "%s: %ld times ENOMEM, nothing changed or kept", name,
	   failures);
}

static void test_create(void)
{
	struct kvm_working_set *set = other;
	long before = live;

	fail_in = 1;
	ok(kvm_working_set_create(&set) == -ENOMEM && !set && live == before,
	   "create: ENOMEM, and no set");
	fail_in = 0;
}

static void prepare(void)
{
	size_t i;

	for (i = 0; i < NR_RANGES; i++) {
		ranges[i].base_address = (i ^ 0x0f) * 3 * PAGE;
		ranges[i].size = (1 + i % 4) * PAGE;
	}
	other = new_set();
	kvm_working_set_add(other, ranges, NR_RANGES);
	pages = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(pages, 1, 16 * PAGE);
	pagemap_fd = open("/proc/self/pagemap", O_RDONLY);
	file_fd = memfd_create("working-set", MFD_CLOEXEC);
	kvm_working_set_write(other, file_fd);
}

int main(void)
{
	/* It would be allocated in the middle of a test. */
	setvbuf(stdout, NULL, _IONBF, 0);
	prepare();
	test_create();
	test_call("add", call_add);
	test_call("merge", call_merge);
	test_call("intersect", call_intersect);
	test_call("split", call_split);
	test_call("add_dirty_bitmap", call_dirty_bitmap);
	test_call("add_dirty_ring", call_dirty_ring);
	test_call("add_pagemap", call_pagemap);
	test_call("add_mincore", call_mincore);
	test_call("read", call_read);
	kvm_working_set_destroy(other);
	ok(!live, "nothing is left");
	munmap(pages, 16 * PAGE);
	return done_testing();
}
