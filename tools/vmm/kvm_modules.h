/* SPDX-License-Identifier: GPL-2.0 */
/* The KVM modules of this machine. */
#ifndef KVM_MODULES_H
#define KVM_MODULES_H

#include <stdbool.h>
#include <stddef.h>

/* "kvm_amd", "kvm_intel", or NULL. */
const char *kvm_vendor_module(void);
/* Its parameter for two-dimensional paging, "npt" or "ept". */
const char *kvm_nested_paging_parameter(const char *vendor);
/* Whether kvm is a module, and not built into the kernel. */
bool kvm_is_module(void);
/* The parameter's value, or "" if there is none such. */
const char *kvm_parameter(const char *module, const char *name, char *value,
			  size_t size);

#endif
