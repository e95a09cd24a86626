# SPDX-License-Identifier: GPL-2.0
# The kernel that looks for bugs, kernel/debug/config.

.PHONY: debug-kernel
debug-kernel: ## Build the debug kernel (ten minutes the first time)
	@nice kernel/build/build-debug-kernel

.PHONY: check-debug
check-debug: setup ## Run the tests of the kernel part on the debug kernel
	@$(MAKE) --no-print-directory build debug-kernel
	@tools/run-tests --debug
