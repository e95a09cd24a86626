/* SPDX-License-Identifier: MIT */
/* What the programs about sessions share: memory, VMs, pages held back. */
#ifndef SESSION_TEST_H
#define SESSION_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <kvm_prefault_session.h>
#include "kvm_create_vm.h"
#include "tap.h"

#define MIB		(1ULL << 20)
#define PAGE		4096ULL
#define BASE		(4ULL << 30)
/* For what takes microseconds: only what never ends meets it. */
#define DEADLINE_MS	600000

static char prefix_buffer[32];

static inline void bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* A negative errno where a test cannot go on. */
static inline void must(int ret, const char *what)
{
	if (ret < 0) {
		errno = -ret;
		bail_out(what);
	}
}

/*
 * Sets the path for the tests that follow, from the name; 0 if this machine lacks it.
 * A path that needs KVM is there or not for the whole machine.
 */
static inline int use_path(const char *name, unsigned int *path)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int needed = 0, features = 0;

	tap_prefix = "";
	for (*path = 1; *path < 5; (*path)++)
		if (!strcmp(name, kvm_prefault_path_name(*path)))
			break;
	if (fd >= 0)
		features = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAP_MEMORY);
	if (*path == KVM_PREFAULT_PATH_URING)
		needed = KVM_MAP_MEMORY_FEATURE_URING;
	if (*path == KVM_PREFAULT_PATH_IOCTL)
		needed = KVM_MAP_MEMORY_FEATURE_BATCH;
	if (fd >= 0)
		close(fd);
	if ((fd < 0 && *path != KVM_PREFAULT_PATH_POPULATE) ||
	    (features & needed) != needed) {
		skip(name, "no KVM with this path");
		return 0;
	}
	snprintf(prefix_buffer, sizeof(prefix_buffer), "%s: ", name);
	tap_prefix = prefix_buffer;
	return 1;
}

/* Memory in 4 KiB pages, whose sizes can be counted. */
static inline char *memory_new(__u64 size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		bail_out("mmap");
	madvise(memory, size, MADV_NOHUGEPAGE);
	return memory;
}

static inline __u64 resident_bytes(char *memory, __u64 size)
{
	unsigned char *pages = malloc(size / PAGE);
	__u64 bytes = 0, i;

	if (mincore(memory, size, pages))
		bail_out("mincore");
	for (i = 0; i < size / PAGE; i++)
		bytes += pages[i] & 1 ? PAGE : 0;
	free(pages);
	return bytes;
}

static inline void memory_init(struct kvm_prefault_memory *piece, __u64 base, char *host,
			       __u64 size)
{
	memset(piece, 0, sizeof(*piece));
	piece->base_address = base;
	piece->size = size;
	piece->host_address = host;
}

/* A VM with that memory; -1 where there is no KVM. */
static inline int vm_new(int *vcpu_fd, __u64 base, char *host, __u64 size)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = base,
		.memory_size = size,
		.userspace_addr = (unsigned long)host,
	};
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm_fd;

	if (kvm_fd < 0)
		return -1;
	vm_fd = kvm_create_vm(kvm_fd);
	close(kvm_fd);
	if (vm_fd < 0)
		bail_out("KVM_CREATE_VM");
	if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		bail_out("KVM_SET_USER_MEMORY_REGION");
	if (vcpu_fd)
		*vcpu_fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0);
	if (vcpu_fd && *vcpu_fd < 0)
		bail_out("KVM_CREATE_VCPU");
	return vm_fd;
}

/* Whoever touches a page of the memory waits until it is let go; -1: not permitted. */
static inline int gate_new(char *memory, __u64 size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (unsigned long)memory, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		bail_out("userfaultfd");
	return fd;
}

/* Waits until somebody waits at the gate; where, as an offset from memory. */
static inline __u64 gate_wait(int fd, const char *memory)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	struct uffd_msg message;

	if (poll(&pollfd, 1, DEADLINE_MS) != 1 ||
	    read(fd, &message, sizeof(message)) != sizeof(message))
		bail_out("nobody came to the gate");
	return (message.arg.pagefault.address & ~(PAGE - 1)) - (unsigned long)memory;
}

/* Lets all go, for good. */
static inline void gate_open(int fd, char *memory, __u64 size)
{
	struct uffdio_range range = {
		.start = (unsigned long)memory,
		.len = size,
	};

	if (ioctl(fd, UFFDIO_UNREGISTER, &range) || ioctl(fd, UFFDIO_WAKE, &range))
		bail_out("UFFDIO_UNREGISTER");
	close(fd);
}

static inline struct kvm_prefault_session *
session_new(const struct kvm_prefault_session_options *options)
{
	struct kvm_prefault_session *session;

	must(kvm_prefault_session_create(&session, options), "create");
	return session;
}

static inline struct kvm_prefault_session_report
report_of(struct kvm_prefault_session *session)
{
	struct kvm_prefault_session_report report = { .size = sizeof(report) };

	must(kvm_prefault_session_report(session, &report), "report");
	return report;
}

static inline void print_report(struct kvm_prefault_session *session)
{
	struct kvm_prefault_session_report report = report_of(session);

	printf("# state %u path %u result %d error %d at %#llx threads %u slices %llu\n",
	       report.state, report.path, report.result, report.first_error,
	       report.first_error_address, report.threads, report.slices);
	printf("# total %llu left %llu mapped %llu present %llu skipped %llu\n",
	       report.bytes_total, report.bytes_left, report.bytes_mapped,
	       report.bytes_present, report.bytes_skipped);
	printf("# uncounted %llu failed %llu, %llu ns, paused %llu ns\n",
	       report.bytes_uncounted, report.bytes_failed, report.nanoseconds,
	       report.nanoseconds_paused);
}

#endif /* SESSION_TEST_H */
