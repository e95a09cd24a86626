// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "kvm_modules.h"
#include "sysfile.h"

const char *kvm_vendor_module(void)
{
	if (!access("/sys/module/kvm_amd", F_OK))
		return "kvm_amd";
	if (!access("/sys/module/kvm_intel", F_OK))
		return "kvm_intel";
	return NULL;
}

const char *kvm_nested_paging_parameter(const char *vendor)
{
	return strcmp(vendor, "kvm_amd") ? "ept" : "npt";
}

bool kvm_is_module(void)
{
	return !access("/sys/module/kvm/initstate", F_OK);
}

const char *kvm_parameter(const char *module, const char *name, char *value,
			  size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 name);
	sysfile_line(path, value, size);
	return value;
}
