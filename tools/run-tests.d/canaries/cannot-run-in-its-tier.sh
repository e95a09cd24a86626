# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# quick: debug
# testvm: --stock
# The debug kernel has no modules of the distribution's.
echo "TAP version 13"
echo "1..1"
echo "ok 1 - fine"
