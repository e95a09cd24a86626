// SPDX-License-Identifier: GPL-2.0
/* A session of the library, as a VMM has it, which picks the way. */
#include <errno.h>
#include <stdlib.h>
#include <kvm_prefault_session.h>
#include "method.h"

/* The descriptors of the VM's vCPUs, the caller's to free; or NULL. */
static int *copy_vcpu_fds(const struct vm *vm)
{
	int *fds = calloc(vm->nr_vcpus + 1, sizeof(*fds));
	unsigned int i;

	for (i = 0; fds && i < vm->nr_vcpus; i++)
		fds[i] = vm->vcpus[i].fd;
	return fds;
}

static void take_report(struct kvm_prefault_session *session,
			struct preparation *preparation)
{
	struct kvm_prefault_session_report report = { .size = sizeof(report) };

	kvm_prefault_session_report(session, &report);
	preparation->workers_used = report.threads;
	preparation->counted = !report.bytes_uncounted;
	preparation->bytes_mapped = report.bytes_mapped;
	preparation->bytes_present = report.bytes_present;
}

static int run_session(const struct kvm_prefault_session_options *options,
		       struct preparation *preparation)
{
	struct kvm_prefault_session *session;
	int ret;

	ret = kvm_prefault_session_create(&session, options);
	if (ret)
		return ret;
	ret = kvm_prefault_session_start(session, NULL);
	if (!ret)
		ret = kvm_prefault_session_wait(session, -1);
	take_report(session, preparation);
	kvm_prefault_session_destroy(session);
	return ret;
}

static int session_prepare(struct preparation *preparation,
			   struct failure *failure)
{
	const struct kvm_prefault_memory memory = {
		.base_address = preparation->base,
		.size = preparation->bytes,
		.host_address = preparation->host,
	};
	const struct vm *vm = &preparation->guest->vm;
	struct kvm_prefault_session_options options;
	struct kvm_memory_mapping whole;
	int *vcpu_fds = copy_vcpu_fds(vm);
	size_t nr_mappings;
	int ret;

	if (!vcpu_fds)
		return fail_errno(failure, ENOMEM, "session");
	kvm_prefault_session_options_init(&options, vm->fd, &memory, 1);
	options.mappings = preparation_ranges(preparation, &whole, &nr_mappings);
	options.nr_mappings = nr_mappings;
	options.vcpu_fds = vcpu_fds;
	options.nr_vcpu_fds = vm->nr_vcpus;
	options.nr_workers = preparation->workers_asked;
	ret = run_session(&options, preparation);
	free(vcpu_fds);
	return ret ? fail_errno(failure, -ret, "session") : 0;
}

const struct method method_session = {
	.name = "session",
	.summary = "a session of the library, by the best way that this kernel has",
	.needs_vcpus = true,
	.prepare = session_prepare,
};
