// SPDX-License-Identifier: GPL-2.0
/* KVM: the CPU, the modules, the device, and the features of KVM_MAP_MEMORY. */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <liburing_kvm.h>
#include "check.h"
#include "kvm_modules.h"
#include "method.h"
#include "sysfile.h"

/* The only series of kernels that there are modules for. */
#define KERNEL_SERIES "6.12."

static void check_kernel(struct checks *checks)
{
	struct check_row *row;
	struct utsname name;

	uname(&name);
	row = check_add(checks, CHECK_KVM, "kernel", CHECK_OK, "Linux %s",
			name.release);
	if (checks->features ||
	    !strncmp(name.release, KERNEL_SERIES, strlen(KERNEL_SERIES)))
		return;
	row->state = CHECK_MISSING;
	advise(&row->text,
	       "The modules with KVM_MAP_MEMORY are for Debian's kernels %sx: install\n"
	       "linux-image-6.12-amd64 (Debian 12) or linux-image-amd64 (Debian 13), and boot it.\n",
	       KERNEL_SERIES);
}

static void check_cpu(struct checks *checks)
{
	struct check_row *row;
	char flags[8192];

	/* The flags of the first CPU, as words. */
	sysfile_value("/proc/cpuinfo", "flags", flags, sizeof(flags));
	if (strstr(flags, " svm")) {
		check_add(checks, CHECK_KVM, "cpu", CHECK_OK, "AMD SVM");
	} else if (strstr(flags, " vmx")) {
		check_add(checks, CHECK_KVM, "cpu", CHECK_OK, "Intel VMX");
	} else {
		row = check_add(checks, CHECK_KVM, "cpu", CHECK_MISSING,
				"no hardware virtualisation (svm or vmx)");
		advise(&row->text,
		       "Enable it in the firmware; in a virtual machine, have it passed on.\n");
	}
}

static void check_modules(struct checks *checks)
{
	const char *vendor = kvm_vendor_module();
	struct failure failure;

	if (checks->features) {
		check_add(checks, CHECK_KVM, "modules", CHECK_OK,
			  "kvm, %s with KVM_MAP_MEMORY (features %#x)",
			  vendor ? vendor : "vendor module unknown",
			  checks->features);
	} else if (checks->kvm_fd >= 0) {
		map_memory_check(checks->kvm_fd, KVM_MAP_MEMORY_FEATURE_BATCH,
				 &failure);
		check_add_failure(checks, CHECK_KVM, "modules", CHECK_MISSING,
				  &failure);
	} else {
		/* The row of /dev/kvm has the advice. */
		check_add(checks, CHECK_KVM, "modules", CHECK_MISSING,
			  vendor ? "kvm, %s; their features are unknown without /dev/kvm" :
			  "neither kvm_amd nor kvm_intel is loaded", vendor);
	}
}

static void check_parameter(struct checks *checks, const char *name,
			    const char *module, const char *parameter,
			    int (*check)(struct failure *failure))
{
	struct failure failure;
	char value[16];

	if (check(&failure) < 0) {
		check_add_failure(checks, CHECK_KVM, name, CHECK_MISSING,
				  &failure);
		return;
	}
	kvm_parameter(module, parameter, value, sizeof(value));
	if (*value)
		check_add(checks, CHECK_KVM, name, CHECK_OK, "%s.%s=%s", module,
			  parameter, value);
	else
		check_add(checks, CHECK_KVM, name, CHECK_MISSING,
			  "unknown: %s is not loaded", module);
}

static void check_paging(struct checks *checks)
{
	const char *vendor = kvm_vendor_module();

	if (vendor)
		check_parameter(checks, "nested-paging", vendor,
				kvm_nested_paging_parameter(vendor),
				nested_paging_check);
	else
		check_add(checks, CHECK_KVM, "nested-paging", CHECK_MISSING,
			  "unknown without kvm_amd or kvm_intel");
	check_parameter(checks, "tdp-mmu", "kvm", "tdp_mmu", tdp_mmu_check);
}

/* The owner and who else may open it; "" if it is not there. */
static void describe_device(char *text, size_t size)
{
	const struct passwd *user;
	const struct group *group;
	struct stat status;

	text[0] = '\0';
	if (stat("/dev/kvm", &status) < 0)
		return;
	user = getpwuid(status.st_uid);
	group = getgrgid(status.st_gid);
	snprintf(text, size, "owner %s, group %s, mode %04o",
		 user ? user->pw_name : "unknown",
		 group ? group->gr_name : "unknown", status.st_mode & 07777);
}

static void check_device(struct checks *checks)
{
	struct failure failure = checks->kvm_failure;
	char owner[128];

	describe_device(owner, sizeof(owner));
	if (checks->kvm_fd >= 0) {
		check_add(checks, CHECK_KVM, "device", CHECK_OK, "/dev/kvm: %s",
			  owner);
		return;
	}
	if (*owner)
		snprintf(failure.reason, sizeof(failure.reason), "%.100s (%s)",
			 checks->kvm_failure.reason, owner);
	check_add_failure(checks, CHECK_KVM, "device", CHECK_MISSING, &failure);
}

void check_kvm(struct checks *checks)
{
	check_kernel(checks);
	check_cpu(checks);
	check_device(checks);
	check_modules(checks);
	check_paging(checks);
}
