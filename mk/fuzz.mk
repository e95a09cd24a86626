# SPDX-License-Identifier: GPL-2.0
# The fuzzer, tools/fuzz; output and kernel log of a run go to build/fuzz/.

SEED	?=
THREADS	?= 4
# debug, or anything else for the distribution's.
KERNEL	?= debug
# In all, or for each seed where SEED= names some.
fuzz: SECONDS = 3600

fuzz_debug = $(filter debug,$(KERNEL))
fuzz_seeds = $(if $(SEED),$(SEED:%=--seed %) --seconds $(SECONDS),\
	--for $(SECONDS) --seconds 60)

.PHONY: fuzz-program
fuzz-program: tests vmm
	@$(MAKE) --no-print-directory -C tools/fuzz

.PHONY: fuzz
fuzz: setup ## Fuzz on the debug kernel (SECONDS=3600 SEED= THREADS=4 KERNEL=)
	@$(MAKE) --no-print-directory modules fuzz-program \
		$(if $(fuzz_debug),debug-kernel)
	@mkdir -p $(BUILD)/fuzz
	@tools/testvm $(if $(fuzz_debug),--debug) --run-dir $(BUILD)/fuzz \
		--timeout $$(($(SECONDS) * $(words $(or $(SEED),random)) + 1200)) -- \
		env $(call test_limits,$(KERNEL)) \
		$(BUILD)/tools/map-memory-fuzz --threads $(THREADS) $(fuzz_seeds) | \
		tee $(BUILD)/fuzz/output
