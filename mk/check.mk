# SPDX-License-Identifier: GPL-2.0
# The suites.  Each notes how long its phases take, for tools/run-tests to print.

# suite TARGETS COMMAND
suite = export PHASES=$(abspath $(BUILD))/phases; rm -f "$$PHASES"; \
	tools/timed setup tools/setup; \
	tools/timed 'make $(1)' $(MAKE) --no-print-directory $(1); $(2)

.PHONY: build
build: modules lib tools tests bench-program fuzz-program ## Build everything

.PHONY: check
check: ## Install packages, build everything and run all tests on AMD SVM
	@$(call suite,build,tools/run-tests)

.PHONY: check-debug
check-debug: ## Run the tests of the kernel part on the debug kernel
	@$(call suite,build debug-kernel,tools/run-tests --debug)

.PHONY: check-vmx
check-vmx: ## Run the tests of the kernel part on Intel VMX with EPT
	@$(call suite,build,tools/run-tests --vmx)

.PHONY: check-all
check-all: ## Run all of check, check-debug and check-vmx
	@$(call suite,build debug-kernel,tools/run-all-tests)

.PHONY: check-quick
check-quick: ## Run the quick tier: each behaviour once, on all kinds of machine
	@$(call suite,build debug-kernel,tools/run-all-tests --quick)

.PHONY: check-debian
check-debian: setup ## Run demo and check on another Debian (RELEASE=trixie)
	@tools/check-debian $(or $(RELEASE),trixie)

.PHONY: check-packages
check-packages: setup ## Install and upgrade the packages on Debian 12 and 13 (RELEASE=)
	@status=0; for release in $(or $(RELEASE),bookworm trixie); do \
		tools/check-packages $$release || status=1; \
	done; exit $$status

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
