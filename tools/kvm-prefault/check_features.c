// SPDX-License-Identifier: GPL-2.0
/* The features of KVM_MAP_MEMORY, and the methods that prepare memory. */
#include <liburing_kvm.h>
#include "check.h"
#include "method.h"

/* A row for each KVM_MAP_MEMORY_FEATURE_ of the ABI; a test compares them. */
static const struct feature {
	unsigned int bit;
	const char *name;
	const char *summary;
} features[] = {
	{ KVM_MAP_MEMORY_FEATURE_VCPU, "vcpu", "the ioctl on a vCPU" },
	{ KVM_MAP_MEMORY_FEATURE_BATCH, "batch", "the ioctl on a VM" },
	{ KVM_MAP_MEMORY_FEATURE_URING, "uring", "the io_uring command" },
	{ KVM_MAP_MEMORY_FEATURE_READ, "read", "mapping as for a read" },
	{ KVM_MAP_MEMORY_FEATURE_RESIDENT, "resident",
	  "mapping only what is in memory" },
	{ KVM_MAP_MEMORY_FEATURE_KEEP_HELPERS, "keep_helpers",
	  "helper threads that stay for the next job" },
	{ KVM_MAP_MEMORY_FEATURE_OWN_THREADS, "own_threads",
	  "threads of the VMM in place of helpers" },
	{ KVM_MAP_MEMORY_FEATURE_PROGRESS, "progress",
	  "the progress of a job in the VMM's memory" },
	{ KVM_MAP_MEMORY_FEATURE_BACKGROUND, "background",
	  "jobs that leave the CPU to others" },
};

void check_features(struct checks *checks)
{
	unsigned int i;

	/* The row of the modules has the advice. */
	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		check_add(checks, CHECK_FEATURES, features[i].name,
			  checks->features & features[i].bit ? CHECK_OK :
							       CHECK_MISSING,
			  "%s", features[i].summary);
}

void check_methods(struct checks *checks)
{
	const struct method * const *method;
	struct failure failure;

	for (method = methods; *method; method++) {
		const char *name = (*method)->name;

		if (*method == &method_none)
			continue;
		if (checks->kvm_fd < 0)
			check_add(checks, CHECK_METHODS, name, CHECK_MISSING,
				  "needs /dev/kvm");
		else if ((*method)->check &&
			 (*method)->check(checks->kvm_fd, &failure) < 0)
			check_add_failure(checks, CHECK_METHODS, name,
					  CHECK_MISSING, &failure);
		else
			check_add(checks, CHECK_METHODS, name, CHECK_OK, "%s",
				  (*method)->summary);
	}
}
