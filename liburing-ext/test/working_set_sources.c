// SPDX-License-Identifier: MIT
/* Working sets from dirty bitmaps and rings, from pagemap and from mincore(). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/kvm.h>
#include "working_set_test.h"

static void test_dirty_bitmap(void)
{
	/* Pages 0, 2, 3, 15, 16 to 23, 35. */
	static const unsigned char bitmap[] = { 0x0d, 0x80, 0xff, 0, 0x08 };
	struct kvm_working_set *set = new_set();

	ok(!kvm_working_set_add_dirty_bitmap(set, 100 * PAGE, 36, bitmap) &&
	   HAS(set, { 100, 1 }, { 102, 2 }, { 115, 9 }, { 135, 1 }),
	   "dirty bitmap: the pages of the bits");
	ok(!kvm_working_set_add_dirty_bitmap(set, 1000 * PAGE, 20, bitmap) &&
	   HAS(set, { 100, 1 }, { 102, 2 }, { 115, 9 }, { 135, 1 },
	       { 1000, 1 }, { 1002, 2 }, { 1015, 5 }),
	   "dirty bitmap: no bits beyond the slot's end");
	ok(!kvm_working_set_add_dirty_bitmap(set, 100 * PAGE, 36, bitmap) &&
	   kvm_working_set_count(set) == 7, "dirty bitmap: pages that are there");
	ok(!kvm_working_set_add_dirty_bitmap(set, 0, 0, NULL) &&
	   kvm_working_set_count(set) == 7, "dirty bitmap: of no pages");
	ok(kvm_working_set_add_dirty_bitmap(set, 1, 36, bitmap) == -EINVAL &&
	   kvm_working_set_add_dirty_bitmap(set, 0, 1ULL << 52, bitmap) == -EINVAL &&
	   kvm_working_set_add_dirty_bitmap(set, ~0ULL << 12, 2, bitmap) == -EINVAL &&
	   kvm_working_set_count(set) == 7,
	   "dirty bitmap: wrong addresses and numbers: EINVAL");
	kvm_working_set_destroy(set);
}

#define DIRTY KVM_DIRTY_GFN_F_DIRTY

static void test_dirty_ring(void)
{
	static const struct kvm_dirty_gfn ring[] = {
		{ DIRTY, 0, 9 }, { DIRTY, 1, 3 }, { DIRTY, 0, 8 },
		{ DIRTY, 0, 9 }, { DIRTY, 0, 9 }, { DIRTY, 1 << 16, 4 },
		{ DIRTY, 7, 4 }, { DIRTY, 0, 16 }, { DIRTY, 0, ~0ULL },
		{ DIRTY, 0, 15 }, { 0, 0, 1 }, { DIRTY, 0, 2 },
	};
	struct kvm_working_set_slot slots[] = {
		{ 0, 0, 100 * PAGE, 16 * PAGE }, { 1, 0, 900 * PAGE, 16 * PAGE },
	};
	struct kvm_working_set *set = new_set();

	ok(kvm_working_set_add_dirty_ring(set, ring, 12, slots, 2) == 10 &&
	   HAS(set, { 109, 1 }, { 903, 1 }, { 108, 1 }, { 115, 1 }),
	   "dirty ring: pages in order, to the first entry that is free");
	ok(kvm_working_set_add_dirty_ring(set, ring, 2, slots, 1) == 2 &&
	   kvm_working_set_add_dirty_ring(set, ring + 10, 2, slots, 2) == 0 &&
	   kvm_working_set_add_dirty_ring(set, NULL, 0, NULL, 0) == 0 &&
	   kvm_working_set_count(set) == 4, "dirty ring: nothing new");
	slots[1].size++;
	ok(kvm_working_set_add_dirty_ring(set, ring, 12, slots, 2) == -EINVAL,
	   "dirty ring: a slot of no pages: EINVAL");
	slots[1].size--;
	slots[1].reserved = 1;
	ok(kvm_working_set_add_dirty_ring(set, ring, 12, slots, 2) == -EINVAL &&
	   kvm_working_set_count(set) == 4,
	   "dirty ring: a reserved field that is not 0: EINVAL");
	kvm_working_set_destroy(set);
}

static char *map_pages(size_t nr)
{
	char *pages = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		abort();
	madvise(pages, nr * PAGE, MADV_NOHUGEPAGE);
	return pages;
}

/* More than are read by one call, and pages at the border of two calls. */
#define NR_PAGES 5000

static void touch(char *pages)
{
	pages[1 * PAGE] = 1;
	pages[2 * PAGE] = 1;
	pages[2047 * PAGE] = 1;
	pages[2048 * PAGE] = 1;
	pages[4999 * PAGE] = 1;
}

#define TOUCHED { 11, 2 }, { 2057, 2 }, { 5009, 1 }

static int add_present(struct kvm_working_set *set, int fd, const void *pages)
{
	return kvm_working_set_add_pagemap(set, fd, (unsigned long)pages,
					   10 * PAGE, NR_PAGES * PAGE,
					   KVM_WORKING_SET_PRESENT);
}

static void test_present(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	struct kvm_working_set *set = new_set();
	char *pages = map_pages(NR_PAGES);

	ok(!add_present(set, fd, pages) && !kvm_working_set_count(set),
	   "pagemap: no page of untouched memory");
	touch(pages);
	ok(!add_present(set, fd, pages) && HAS(set, TOUCHED),
	   "pagemap: the pages that are present");
	kvm_working_set_destroy(set);
	set = new_set();
	ok(!kvm_working_set_add_mincore(set, pages, 10 * PAGE, NR_PAGES * PAGE) &&
	   HAS(set, TOUCHED), "mincore: the pages that are in memory");
	munmap(pages + PAGE, PAGE);
	errno = E2BIG;
	ok(kvm_working_set_add_mincore(set, pages, 0, NR_PAGES * PAGE) == -ENOMEM &&
	   HAS(set, TOUCHED), "mincore: memory with a hole: ENOMEM");
	ok(kvm_working_set_add_mincore(set, pages + 1, 0, PAGE) == -EINVAL &&
	   kvm_working_set_add_mincore(set, pages, 1, PAGE) == -EINVAL &&
	   kvm_working_set_add_mincore(set, pages, 0, PAGE - 1) == -EINVAL,
	   "mincore: no pages: EINVAL");
	ok(errno == E2BIG, "errno is left alone");
	kvm_working_set_destroy(set);
	munmap(pages, NR_PAGES * PAGE);
	close(fd);
}

static void clear_soft_dirty(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	if (fd < 0 || write(fd, "4", 1) != 1)
		abort();
	close(fd);
}

static int add_written(struct kvm_working_set *set, int fd, const void *pages)
{
	return kvm_working_set_add_pagemap(set, fd, (unsigned long)pages,
					   10 * PAGE, NR_PAGES * PAGE,
					   KVM_WORKING_SET_SOFT_DIRTY |
					   KVM_WORKING_SET_PRESENT);
}

static void test_soft_dirty(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	struct kvm_working_set *set = new_set();
	char *pages = map_pages(NR_PAGES);
	volatile char *read_only = pages;

	memset(pages, 1, NR_PAGES * PAGE);
	add_written(set, fd, pages);
	if (!kvm_working_set_count(set)) {
		printf("ok %d - pagemap: written pages # SKIP no CONFIG_MEM_SOFT_DIRTY\n",
		       ++tap_number);
	} else {
		kvm_working_set_destroy(set);
		set = new_set();
		clear_soft_dirty();
		(void)read_only[7 * PAGE];
		touch(pages);
		ok(!add_written(set, fd, pages) && HAS(set, TOUCHED),
		   "pagemap: written pages");
	}
	kvm_working_set_destroy(set);
	munmap(pages, NR_PAGES * PAGE);
	close(fd);
}

static void test_other_process(void)
{
	char path[64], *pages = map_pages(NR_PAGES);
	struct kvm_working_set *set = new_set();
	int fd, pipe_fds[2];
	pid_t pid;

	if (pipe(pipe_fds))
		abort();
	pid = fork();
	if (!pid) {
		touch(pages);
		if (write(pipe_fds[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	if (read(pipe_fds[0], path, 1) != 1)
		abort();
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY);
	ok(fd >= 0 && !add_present(set, fd, pages) && HAS(set, TOUCHED),
	   "pagemap: the pages of another process");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(add_present(set, fd, pages) == -ESRCH && HAS(set, TOUCHED),
	   "pagemap: of a process that has ended: ESRCH");
	close(fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	kvm_working_set_destroy(set);
	munmap(pages, NR_PAGES * PAGE);
}

static void test_pagemap_errors(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	struct kvm_working_set *set = new_set();

	ok(kvm_working_set_add_pagemap(set, fd, 0, 0, PAGE, 0) == -EINVAL &&
	   kvm_working_set_add_pagemap(set, fd, 0, 0, PAGE, 4) == -EINVAL &&
	   kvm_working_set_add_pagemap(set, fd, 1, 0, PAGE, 1) == -EINVAL &&
	   kvm_working_set_add_pagemap(set, fd, 0, 1, PAGE, 1) == -EINVAL &&
	   kvm_working_set_add_pagemap(set, fd, 0, 0, 1, 1) == -EINVAL,
	   "pagemap: wrong properties and no pages: EINVAL");
	ok(kvm_working_set_add_pagemap(set, fd, 1ULL << 62, 0, PAGE, 1) == -ESRCH,
	   "pagemap: beyond any address space: ESRCH");
	ok(kvm_working_set_add_pagemap(set, -1, 0, 0, PAGE, 1) == -EBADF,
	   "pagemap: no file: EBADF");
	ok(!kvm_working_set_add_pagemap(set, -1, 0, 0, 0, 1),
	   "pagemap: of no memory");
	kvm_working_set_destroy(set);
	close(fd);
}

int main(void)
{
	/* The process that is killed must not print it again. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_dirty_bitmap();
	test_dirty_ring();
	test_present();
	test_soft_dirty();
	test_other_process();
	test_pagemap_errors();
	return done_testing();
}
