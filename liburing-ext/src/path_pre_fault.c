// SPDX-License-Identifier: MIT
/*
 * MADV_POPULATE_WRITE, then KVM_PRE_FAULT_MEMORY on the caller's vCPUs, one for each
 * thread.  In this order: KVM_PRE_FAULT_MEMORY maps as a read does, so memory never
 * touched would become the zero page, and each of the guest's writes take two faults.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <linux/kvm.h>

#include "blocking.h"
#include "session.h"

/* Linux 6.10; older headers lack it. */
#ifndef KVM_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY	236
#define KVM_PRE_FAULT_MEMORY		_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)

struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};
#endif

static int pre_fault_check(const struct kvm_prefault_session *session, char *why,
			   size_t size)
{
	int ret;

	if (session->vm_fd < 0 || !session->nr_vcpu_fds) {
		snprintf(why, size, "no vCPU was given");
		return -EOPNOTSUPP;
	}
	ret = liburing_kvm_ioctl(session->vm_fd, KVM_CHECK_EXTENSION,
				 KVM_CAP_PRE_FAULT_MEMORY);
	if (ret < 0)
		return ret;
	if (!ret) {
		snprintf(why, size, "KVM lacks KVM_PRE_FAULT_MEMORY");
		return -EOPNOTSUPP;
	}
	ret = liburing_kvm_host_check(session, why, size);
	if (!ret)
		snprintf(why, size, "KVM has KVM_PRE_FAULT_MEMORY, vCPUs given: %u",
			 session->nr_vcpu_fds);
	return ret;
}

/* A call may succeed with a part only. */
static int pre_fault(const struct host_step *step, __u64 *done)
{
	struct kvm_pre_fault_memory left = {
		.gpa = step->base_address,
		.size = *done,
	};
	int vcpu_fd = step->session->vcpu_fds[step->index];
	int idle_calls = 0, ret;
	__u64 before;

	while (left.size) {
		before = left.size;
		ret = liburing_kvm_ioctl(vcpu_fd, KVM_PRE_FAULT_MEMORY,
					 (unsigned long)&left);
		*done = left.gpa - step->base_address;
		if (left.size < before) {
			idle_calls = 0;
			continue;
		}
		if (atomic_load(&step->session->interrupt))
			return -EINTR;
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN)
			return ret;
		if (++idle_calls == MAX_IDLE_CALLS)
			return -EAGAIN;
		poll(NULL, 0, 1);
	}
	return 0;
}

static int pre_fault_step(const struct host_step *step, __u64 *done)
{
	int populated = liburing_kvm_populate(step, done);
	int ret = *done ? pre_fault(step, done) : 0;

	return ret ? ret : populated;
}

static int pre_fault_run(struct kvm_prefault_session *session, struct slice *slice)
{
	unsigned int nr = session->nr_workers;

	if (nr > session->nr_vcpu_fds)
		nr = session->nr_vcpu_fds;
	return liburing_kvm_host_run(session, slice, nr, pre_fault_step);
}

const struct path_ops liburing_kvm_path_pre_fault = {
	.path = KVM_PREFAULT_PATH_PRE_FAULT,
	.name = "pre-fault",
	.slice_size = 256ULL << 20,
	.check = pre_fault_check,
	.run = pre_fault_run,
};
