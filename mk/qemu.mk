# SPDX-License-Identifier: GPL-2.0
# Debian's QEMU with the patches of tools/qemu, and its tests.

.PHONY: qemu
qemu: setup ## Build QEMU with the patches that make it use KVM_MAP_MEMORY
	@$(MAKE) --no-print-directory lib
	@$(MAKE) --no-print-directory -C tools/qemu/guest
	@tools/qemu/build

.PHONY: bench-qemu
bench-qemu: qemu ## Measure QEMU with its patches against QEMU without (half an hour)
	@$(MAKE) --no-print-directory modules
	@tools/qemu/bench/run

.PHONY: check-qemu
check-qemu: ## Build QEMU, and run the tests of its patches in the test machine
	@$(call suite,build qemu,tools/run-tests --suite qemu)
