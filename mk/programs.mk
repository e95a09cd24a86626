# SPDX-License-Identifier: GPL-2.0
# The libraries and the tools have Makefiles of their own.

.PHONY: lib
lib: ## Build the library liburing-ext
	@$(MAKE) --no-print-directory -C liburing-ext all sanitized

.PHONY: vmm
vmm: lib
	@$(MAKE) --no-print-directory -C tools/vmm

.PHONY: tools
tools: vmm ## Build the command kvm-prefault
	@$(MAKE) --no-print-directory -C tools/kvm-prefault

.PHONY: install
install: lib tools ## Install library and command (PREFIX=/usr/local, DESTDIR=)
	@$(MAKE) --no-print-directory -C liburing-ext install
	@$(MAKE) --no-print-directory -C tools/kvm-prefault install
