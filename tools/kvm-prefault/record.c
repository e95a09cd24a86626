// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <kvm_working_set.h>
#include "record.h"
#include "units.h"

/*
 * The process' directory in /proc, -1 and a reason if there is none.  What is opened
 * there is of that process, and of none that gets its number later.
 */
static int open_process(pid_t pid, struct failure *failure)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail_unavailable(failure, "there is no process %d", pid);
	return fd;
}

/* Opens a file there that takes the right to trace the process. */
static int open_traced(int proc_fd, const char *name, int flags,
		       struct failure *failure)
{
	int fd = openat(proc_fd, name, flags | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno != EACCES && errno != EPERM)
		return fail_errno(failure, errno, name);
	fail_unavailable(failure, "%s of the process: no permission", name);
	advise(failure, "run as root, or as the user of the VMM where ptrace(2) is allowed\n");
	return -1;
}

static bool is_vm(int fd_dir, const char *name)
{
	static const char vm[] = "anon_inode:kvm-vm";
	char target[sizeof(vm)];
	ssize_t length = readlinkat(fd_dir, name, target, sizeof(target));

	return length == sizeof(vm) - 1 && !memcmp(target, vm, length);
}

/* Whether it has a VM: else its memory is no guest's. */
static int check_vmm(int proc_fd, pid_t pid, struct failure *failure)
{
	int fd = open_traced(proc_fd, "fd", O_RDONLY | O_DIRECTORY, failure);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = false;

	if (fd < 0)
		return -1;
	if (!directory) {
		close(fd);
		return fail_errno(failure, errno, "fd");
	}
	while (!found && (entry = readdir(directory)))
		found = is_vm(dirfd(directory), entry->d_name);
	closedir(directory);
	if (found)
		return 0;
	fail_unavailable(failure, "process %d has no VM", pid);
	advise(failure, "give the PID of the VMM, which has a file anon_inode:kvm-vm in /proc/PID/fd\n");
	return -1;
}

/* By a page of this process, which is new and so written. */
static int check_soft_dirty(struct failure *failure)
{
	static _Alignas(PAGE_SIZE) volatile char page[PAGE_SIZE];
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct kvm_working_set *set = NULL;
	bool written = false;

	page[0] = 1;
	if (fd >= 0 && !kvm_working_set_create(&set) &&
	    !kvm_working_set_add_pagemap(set, fd, (uintptr_t)page, 0, PAGE_SIZE,
					 KVM_WORKING_SET_SOFT_DIRTY))
		written = kvm_working_set_count(set);
	kvm_working_set_destroy(set);
	if (fd >= 0)
		close(fd);
	return written ? 0 : fail_unavailable(failure,
		"--written-for: this kernel has no CONFIG_MEM_SOFT_DIRTY");
}

/* Waits; a signal that would end the program ends the wait instead. */
static void wait_seconds(uint64_t seconds)
{
	const struct timespec timeout = { .tv_sec = seconds };
	sigset_t signals, old;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &old);
	fprintf(stderr, "kvm-prefault: waiting %llu s; SIGINT or SIGTERM ends the wait\n",
		(unsigned long long)seconds);
	/* After SIGCONT it returns EINTR: that ends it, too. */
	sigtimedwait(&signals, NULL, &timeout);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Forgets which pages are written, and waits. */
static int wait_for_writes(int proc_fd, uint64_t seconds,
			   struct failure *failure)
{
	int fd;

	if (check_soft_dirty(failure) < 0)
		return -1;
	fd = open_traced(proc_fd, "clear_refs", O_WRONLY, failure);
	if (fd < 0)
		return -1;
	if (write(fd, "4", 1) != 1) {
		fail_errno(failure, errno, "clear_refs");
		close(fd);
		return -1;
	}
	close(fd);
	wait_seconds(seconds);
	return 0;
}

static int add_pages(struct kvm_working_set *set, int pagemap_fd,
		     const struct recording *recording, struct failure *failure)
{
	unsigned int i, properties = KVM_WORKING_SET_PRESENT;
	int ret = 0;

	if (recording->seconds)
		properties |= KVM_WORKING_SET_SOFT_DIRTY;
	for (i = 0; i < recording->memory.nr && !ret; i++) {
		const struct guest_piece *piece = &recording->memory.pieces[i];

		ret = kvm_working_set_add_pagemap(set, pagemap_fd, piece->host,
						  piece->base, piece->bytes,
						  properties);
	}
	if (ret == -ESRCH)
		return fail(failure, "process %d has ended", recording->pid);
	if (ret)
		return fail_errno(failure, -ret, "pagemap");
	kvm_working_set_sort(set, recording->gap);
	return 0;
}

/* A new file takes the place of an old one when it is complete. */
static int write_file(const struct kvm_working_set *set, const char *name,
		      struct failure *failure)
{
	char *temporary;
	int fd, ret;

	if (asprintf(&temporary, "%s.XXXXXX", name) < 0)
		return fail_errno(failure, ENOMEM, name);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		free(temporary);
		return fail_errno(failure, -ret, name);
	}
	ret = kvm_working_set_write(set, fd);
	if (!ret && fsync(fd) < 0)
		ret = -errno;
	if (close(fd) < 0 && !ret)
		ret = -errno;
	if (!ret && rename(temporary, name) < 0)
		ret = -errno;
	if (ret)
		unlink(temporary);
	free(temporary);
	return ret ? fail_errno(failure, -ret, name) : 0;
}

static int write_set(const struct kvm_working_set *set,
		     const struct recording *recording, struct failure *failure)
{
	int ret;

	fprintf(stderr, "kvm-prefault: %zu ranges, %llu KiB of %llu KiB\n",
		kvm_working_set_count(set),
		(unsigned long long)(kvm_working_set_bytes(set) / KIB),
		(unsigned long long)(guest_memory_bytes(&recording->memory) / KIB));
	if (recording->output && strcmp(recording->output, "-"))
		return write_file(set, recording->output, failure);
	ret = kvm_working_set_write(set, STDOUT_FILENO);
	return ret ? fail_errno(failure, -ret, "stdout") : 0;
}

static int find_memory(struct recording *recording, int proc_fd,
		       struct failure *failure)
{
	unsigned int i;

	if (recording->memory.nr)
		return guest_memory_check(&recording->memory, proc_fd, failure);
	if (guest_memory_guess(&recording->memory, proc_fd, recording->below_4g,
			       failure) < 0)
		return -1;
	for (i = 0; i < recording->memory.nr; i++) {
		const struct guest_piece *piece = &recording->memory.pieces[i];

		fprintf(stderr, "kvm-prefault: guessed: --memory %#llx:%#llx:%lluK\n",
			(unsigned long long)piece->base,
			(unsigned long long)piece->host,
			(unsigned long long)(piece->bytes / KIB));
	}
	return 0;
}

static int record_from(struct recording *recording, int proc_fd,
		       struct failure *failure)
{
	struct kvm_working_set *set = NULL;
	int pagemap_fd, ret;

	if (check_vmm(proc_fd, recording->pid, failure) < 0 ||
	    find_memory(recording, proc_fd, failure) < 0)
		return -1;
	pagemap_fd = open_traced(proc_fd, "pagemap", O_RDONLY, failure);
	if (pagemap_fd < 0)
		return -1;
	ret = kvm_working_set_create(&set);
	if (ret)
		ret = fail_errno(failure, -ret, "working set");
	if (!ret && recording->seconds)
		ret = wait_for_writes(proc_fd, recording->seconds, failure);
	if (!ret)
		ret = add_pages(set, pagemap_fd, recording, failure);
	if (!ret)
		ret = write_set(set, recording, failure);
	kvm_working_set_destroy(set);
	close(pagemap_fd);
	return ret;
}

int record_run(struct recording *recording, struct failure *failure)
{
	int proc_fd = open_process(recording->pid, failure), ret;

	if (proc_fd < 0)
		return -1;
	ret = record_from(recording, proc_fd, failure);
	close(proc_fd);
	return ret;
}
