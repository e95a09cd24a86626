// SPDX-License-Identifier: MIT
/*
 * Prefaults a VM's memory by a session, in a loop that polls as that of a VMM: prints
 * the path and the progress, and what came of it.  Works on a stock kernel, too.
 *
 *	cc prefault-session.c $(pkg-config --cflags --libs liburing-kvm)
 *	./a.out [MIB-PER-SECOND]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kvm.h>
#include <kvm_prefault_session.h>

#define SIZE	(128ULL << 20)

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	exit(1);
}

/* A VM of one piece of memory, and a vCPU for kernels that need one. */
static int create_vm(struct kvm_prefault_memory *memory, int *vcpu_fd)
{
	struct kvm_userspace_memory_region region = { .memory_size = SIZE };
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	void *host = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (host == MAP_FAILED)
		fail("mmap", -errno);
	region.userspace_addr = (unsigned long)host;
	if (vm_fd < 0 || ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		fail("cannot create a VM", -errno);
	*vcpu_fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0);
	if (*vcpu_fd < 0)
		fail("KVM_CREATE_VCPU", -errno);
	memory->base_address = 0;
	memory->size = SIZE;
	memory->host_address = host;
	memory->flags = 0;
	return vm_fd;
}

/* The loop of a VMM, which has other descriptors beside this one. */
static void run_loop(struct kvm_prefault_session *session,
		     struct kvm_prefault_session_report *report)
{
	struct pollfd pollfd = {
		.fd = kvm_prefault_session_fd(session),
		.events = POLLIN,
	};

	do {
		poll(&pollfd, 1, -1);
		report->size = sizeof(*report);
		kvm_prefault_session_report(session, report);
		printf("%llu of %llu MiB done\n",
		       (unsigned long long)(report->bytes_total - report->bytes_left) >> 20,
		       (unsigned long long)report->bytes_total >> 20);
	} while (report->state != KVM_PREFAULT_SESSION_ENDED);
}

int main(int argc, char **argv)
{
	struct kvm_prefault_session_options options;
	struct kvm_prefault_session_report report;
	struct kvm_prefault_session *session;
	struct kvm_prefault_memory memory;
	int vcpu_fd, vm_fd = create_vm(&memory, &vcpu_fd), ret;

	kvm_prefault_session_options_init(&options, vm_fd, &memory, 1);
	options.vcpu_fds = &vcpu_fd;
	options.nr_vcpu_fds = 1;
	options.rate = argc > 1 ? strtoull(argv[1], NULL, 10) << 20 : 0;
	ret = kvm_prefault_session_create(&session, &options);
	if (ret < 0)
		fail("kvm_prefault_session_create", ret);
	printf("%s\n", kvm_prefault_session_reason(session));
	ret = kvm_prefault_session_start(session, NULL);
	if (ret < 0)
		fail("kvm_prefault_session_start", ret);
	run_loop(session, &report);
	kvm_prefault_session_destroy(session);

	printf("%s: %llu MiB mapped, %llu present, %llu of either, %llu failed, by %u threads\n",
	       kvm_prefault_path_name(report.path),
	       (unsigned long long)report.bytes_mapped >> 20,
	       (unsigned long long)report.bytes_present >> 20,
	       (unsigned long long)report.bytes_uncounted >> 20,
	       (unsigned long long)report.bytes_failed >> 20, report.threads);
	return report.result != 0;
}
