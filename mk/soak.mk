# SPDX-License-Identifier: GPL-2.0
# Fuzzer and stress test in turn, for hours; resumable, tools/soak.

soak: HOURS = 8
TURN ?= 300

.PHONY: soak
soak: setup ## Fuzz and stress in turn, on both kernels (HOURS=8 TURN=300)
	@$(MAKE) --no-print-directory modules fuzz-program debug-kernel
	@tools/soak --hours $(HOURS) --turn $(TURN)
