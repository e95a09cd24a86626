# SPDX-License-Identifier: GPL-2.0
# The KVM modules; RELEASE= picks a kernel other than the newest 6.12.

RELEASE ?=

.PHONY: modules
modules: ## Build kvm.ko, kvm-amd.ko and kvm-intel.ko (RELEASE=...)
	@RELEASE='$(RELEASE)' kernel/build/build-modules
