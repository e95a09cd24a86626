# SPDX-License-Identifier: GPL-2.0

.PHONY: build
build: modules lib tools tests bench-program fuzz-program ## Build everything

.PHONY: check
check: setup ## Install packages, build everything and run all tests
	@$(MAKE) --no-print-directory build
	@tools/run-tests

.PHONY: check-upstream
check-upstream: setup ## Run all of the kernel's own KVM selftests, long ones too
	@$(MAKE) --no-print-directory modules tests
	@tools/check-upstream --all

.PHONY: lint
lint: ## Check sources: checkpatch, sparse, shellcheck, mandoc
	@mkdir -p $(BUILD)
	@tools/lint | tee $(BUILD)/lint.out
	@! grep -q '^not ok' $(BUILD)/lint.out

.PHONY: demo
demo: setup ## Install packages, build, and show every method's figures
	@$(MAKE) --no-print-directory modules lib tools
	@tools/demo
