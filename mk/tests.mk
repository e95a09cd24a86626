# SPDX-License-Identifier: GPL-2.0
# The test programs that run in the test machine; for tools/other-kernel, the kernel's
# own alone, or the modules that tests load.

SELFTESTS ?= all
COMPAT ?=

.PHONY: tests
tests: ## Build the tests that run in the test machine
	@mkdir -p $(BUILD)/selftests
	@flock $(BUILD)/selftests/.lock $(MAKE) --no-print-directory \
		-k -j"$$(nproc)" -f mk/selftests/build.make $(SELFTESTS) \
		OUT=$(BUILD)/selftests COMPAT='$(COMPAT)' \
		SRC="$$(realpath --relative-to=. "$$(kernel/build/unpack-source)")" \
		RELEASE="$$(. kernel/build/common.sh; \
			echo "$${RELEASE:-$$(default_release)}")"
