# SPDX-License-Identifier: GPL-2.0
# The KVM modules; RELEASE= picks a kernel other than the newest 6.12, KERNEL=7.3 one of
# another series, in a root of a Debian that has it.

RELEASE ?=
other_kernel = $(filter-out 6.12,$(patsubst kernel/patches/%/series,%, \
	$(wildcard kernel/patches/$(KERNEL)/series)))

.PHONY: modules
modules: ## Build kvm.ko, kvm-amd.ko and kvm-intel.ko (RELEASE=, KERNEL=7.3)
ifeq ($(other_kernel),)
	@RELEASE='$(RELEASE)' kernel/build/build-modules
else
	@KERNEL= tools/setup
	@KERNEL= tools/other-kernel $(other_kernel)
endif
