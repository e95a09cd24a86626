# SPDX-License-Identifier: GPL-2.0
# The kernel that looks for bugs, kernel/debug/config.

.PHONY: debug-kernel
debug-kernel: ## Build the debug kernel (ten minutes the first time)
	@kernel/build/build-debug-kernel

# test_limits KERNEL: what tools/run-tests tells a test on that kernel
test_limits = $$(. tools/run-tests.d/kinds.inc; test_limits "$$(slowness_of $(1))")
