# SPDX-License-Identifier: GPL-2.0
# The suites.  Each notes how long its phases take, for tools/run-tests to print.

phases = export PHASES=$(abspath $(BUILD))/phases; rm -f "$$PHASES"
timed-setup = tools/timed setup tools/setup
timed-make = tools/timed "make $(1)" $(MAKE) --no-print-directory $(1)

.PHONY: build
build: modules lib tools tests bench-program fuzz-program ## Build everything

.PHONY: check
check: ## Install packages, build everything and run all tests on AMD SVM
	@$(phases); $(timed-setup); $(call timed-make,build); \
		tools/timed 'tests on svm' tools/run-tests

.PHONY: check-debug
check-debug: ## Run the tests of the kernel part on the debug kernel
	@$(phases); $(timed-setup); $(call timed-make,build debug-kernel); \
		tools/timed 'tests on debug' tools/run-tests --debug

.PHONY: check-vmx
check-vmx: ## Run the tests of the kernel part on Intel VMX with EPT
	@$(phases); $(timed-setup); $(call timed-make,build); \
		tools/timed 'tests on vmx' tools/run-tests --vmx

.PHONY: check-all
check-all: ## Run all of check, check-debug and check-vmx
	@$(phases); $(timed-setup); $(call timed-make,build debug-kernel); \
		tools/run-all-tests

.PHONY: check-quick
check-quick: ## Run the quick tier: each behaviour once, on all kinds of machine
	@$(phases); $(timed-setup); $(call timed-make,build debug-kernel); \
		tools/run-all-tests --quick

.PHONY: check-debian
check-debian: setup ## Run demo and check on another Debian (RELEASE=trixie)
	@tools/check-debian $(or $(RELEASE),trixie)

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
