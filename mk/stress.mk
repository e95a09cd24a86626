# SPDX-License-Identifier: GPL-2.0
# VMMs that die at random moments, for as long as is wanted.

stress: SECONDS = 600
ROUNDS ?=
ROUND ?=
SEED ?=
MACHINE ?= --cpus 4
KERNEL ?= debug

# A run may take longer than it was asked to, and a round much longer than others.
stress_limit = $$(($(SECONDS) * 9 + $(or $(ROUNDS),0) * 10 + 300))

.PHONY: stress
stress: setup ## End VMMs at random (SECONDS=600, ROUNDS=, SEED=, ROUND=, MACHINE=, KERNEL=)
	@$(MAKE) --no-print-directory modules tests \
		$(if $(filter debug,$(KERNEL)),debug-kernel)
	@tools/testvm $(if $(filter debug,$(KERNEL)),--debug) $(MACHINE) \
		--timeout $(stress_limit) --run-dir $(BUILD)/stress -- \
		env $(call test_limits,$(KERNEL)) \
		$(BUILD)/selftests/map_memory_death_stress_test \
		--seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) \
		$(if $(ROUND),--round $(ROUND)) $(if $(ROUNDS),--rounds $(ROUNDS))
