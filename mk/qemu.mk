# SPDX-License-Identifier: GPL-2.0
# Debian's QEMU with the patches of tools/qemu, and its tests.

.PHONY: qemu bench-qemu check-qemu

ifneq ($(RELEASE),)
# In a root of that Debian, with the QEMU that it has: see tools/check-debian.
qemu bench-qemu check-qemu: setup
	@tools/check-debian $(RELEASE) make $@
else

qemu: setup ## Build QEMU with the patches that make it use KVM_MAP_MEMORY (RELEASE=)
	@$(MAKE) --no-print-directory lib
	@$(MAKE) --no-print-directory -C tools/qemu/guest
	@tools/qemu/build

bench-qemu: qemu ## Measure QEMU with its patches against QEMU without (half an hour)
	@$(MAKE) --no-print-directory modules
	@tools/qemu/bench/run

check-qemu: ## Build QEMU, and run the tests of its patches in the test machine
	@$(call suite,build qemu,tools/run-tests --suite qemu)

endif
