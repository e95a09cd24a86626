# SPDX-License-Identifier: GPL-2.0
# Debian's QEMU with the patches of tools/qemu.

.PHONY: qemu
qemu: setup ## Build QEMU with the patches that make it use KVM_MAP_MEMORY
	@$(MAKE) --no-print-directory lib
	@tools/qemu/build
