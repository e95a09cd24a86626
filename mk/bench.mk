# SPDX-License-Identifier: GPL-2.0
# The benchmarks, in the test machine; results and plots go to build/bench/.

.PHONY: bench-program
bench-program: vmm
	@$(MAKE) --no-print-directory -C bench
	@$(MAKE) --no-print-directory -C bench/traffic

.PHONY: bench
bench: setup ## Measure against every other way to prepare a guest (minutes)
	@$(MAKE) --no-print-directory modules bench-program
	@bench/run
	@bench/plot build/bench/bench.json

.PHONY: bench-traffic
bench-traffic: setup ## Count loads, stores, atomic operations and cache lines (minutes)
	@$(MAKE) --no-print-directory modules bench-program
	@bench/traffic/run prepare-instructions

.PHONY: bench-full
bench-full: setup ## The same with larger sizes and more kinds of memory (an hour)
	@$(MAKE) --no-print-directory modules bench-program
	@bench/run --full
	@bench/plot build/bench/bench.json
