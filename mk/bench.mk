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
	@! bench/traffic/run --check || $(MAKE) --no-print-directory bench-traffic

.PHONY: bench-traffic
bench-traffic: setup ## Count loads, stores, atomic operations and cache lines (minutes)
	@$(MAKE) --no-print-directory modules bench-program
	@bench/traffic/run prepare-instructions
	@bench/traffic/run submit-instructions
	@bench/traffic/run --options "--peer ioctl --memory hugetlb-1g" scale-instructions
	@bench/traffic/run --cpus 4 --options "--peer ioctl --workers 4 --size 2G" \
		resident-scaling-seconds
	@bench/traffic/run --cpus 4 --options "--peer ioctl --workers 4 --memory hugetlb-2m" \
		scale-instructions

.PHONY: bench-full
bench-full: setup ## The same with larger sizes and more kinds of memory (an hour)
	@$(MAKE) --no-print-directory modules bench-program
	@bench/run --full
	@bench/plot build/bench/bench.json
