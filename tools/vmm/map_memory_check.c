// SPDX-License-Identifier: GPL-2.0
/* The reason why KVM has no KVM_MAP_MEMORY, and the way to get it. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <liburing_kvm.h>
#include "kvm_modules.h"
#include "method.h"

static void advise_modules(struct failure *failure)
{
	const char *vendor = kvm_vendor_module();
	struct utsname name;
	char file[16];

	uname(&name);
	if (!vendor)
		vendor = "kvm_amd";
	/* The file is kvm-amd.ko, the module kvm_amd. */
	snprintf(file, sizeof(file), "%s", vendor);
	file[strlen("kvm")] = '-';

	advise(failure,
	       "The feature is in the KVM modules that 'make modules' builds from this project.\n");
	if (!kvm_is_module()) {
		advise(failure,
		       "KVM is built into this kernel (%s), so they cannot take its place:\n"
		       "boot a kernel with KVM as modules, as Debian's are, or try the feature in\n"
		       "the emulated machine of tools/testvm.\n", name.release);
		return;
	}
	advise(failure,
	       "Install the package kvm-map-memory-dkms, which 'make deb' builds, or as root,\n"
	       "with no VM running:\n"
	       "  make modules\n"
	       "  rmmod %s kvm\n"
	       "  modprobe irqbypass%s\n"
	       "  insmod build/modules/%s/kvm.ko\n"
	       "  insmod build/modules/%s/%s.ko\n",
	       vendor, strcmp(vendor, "kvm_amd") ? "" : "; modprobe ccp",
	       name.release, name.release, file);
}

int nested_paging_check(struct failure *failure)
{
	const char *vendor = kvm_vendor_module();
	const char *parameter;
	char value[16];

	if (!vendor)
		return 0;
	parameter = kvm_nested_paging_parameter(vendor);
	if (strcmp(kvm_parameter(vendor, parameter, value, sizeof(value)), "N"))
		return 0;
	fail_unavailable(failure,
			 "KVM runs without two-dimensional paging (%s=N), which KVM_MAP_MEMORY needs",
			 parameter);
	advise(failure,
	       "Load %s with %s=1; if it stays N, this machine's CPU does not offer it.\n",
	       vendor, parameter);
	return -1;
}

int tdp_mmu_check(struct failure *failure)
{
	char value[16];

	if (strcmp(kvm_parameter("kvm", "tdp_mmu", value, sizeof(value)), "N"))
		return 0;
	fail_unavailable(failure,
			 "KVM runs without the TDP MMU (tdp_mmu=N), which KVM_MAP_MEMORY needs");
	advise(failure, "Load the module kvm with tdp_mmu=1.\n");
	return -1;
}

int map_memory_check(int kvm_fd, unsigned int features,
		     struct failure *failure)
{
	int found = kvm_map_memory_probe(kvm_fd);

	if (found < 0)
		return fail_errno(failure, -found, "KVM_CHECK_EXTENSION");
	if ((found & features) == features)
		return 0;
	if (found) {
		fail_unavailable(failure,
				 "the loaded KVM modules have KVM_MAP_MEMORY, but not this way of calling it");
	} else if (nested_paging_check(failure) < 0 ||
		   tdp_mmu_check(failure) < 0) {
		advise(failure, "And unless the modules are this project's:\n");
	} else {
		fail_unavailable(failure,
				 "the running KVM has no KVM_CAP_MAP_MEMORY");
	}
	advise_modules(failure);
	return -1;
}
