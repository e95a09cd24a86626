#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm debug
# testvm:
# test-timeout: 250
# The fuzzer, by seeds that are always the same and one that is new.  On the debug
# kernel it runs longer, but in the quick tier, and what has leaked is looked for after
# the last test.

fuzz=$(dirname "$0")/../../../build/tools/map-memory-fuzz
[ -x "$fuzz" ] || { echo "Bail out! no $fuzz: run 'make fuzz-program' first"; exit 1; }

# 4 stops the process, too.
seeds=(--seed 1 --seed 4)
seconds=12
if [ -e /sys/kernel/debug/kmemleak ] && [ "${TEST_TIER:-}" != quick ]; then
	seeds+=(--seed 2)
	seconds=40
fi
# If few calls get their turn in that time, there are more seeds.
exec "$fuzz" --seconds "$seconds" "${seeds[@]}" --random --all-steps
