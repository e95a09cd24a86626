# SPDX-License-Identifier: GPL-2.0
# The kernel that looks for bugs, kernel/debug/config.

.PHONY: debug-kernel
debug-kernel: ## Build the debug kernel (ten minutes the first time)
	@kernel/build/build-debug-kernel

# test_limits KERNEL: how much longer everything may take on a busy host and that
# kernel, as tools/run-tests has it
test_limits = TEST_TIMEOUT_FACTOR=$(if $(filter debug,$(1)),16,4) \
	TEST_SLOWNESS=$(if $(filter debug,$(1)),4,1)
