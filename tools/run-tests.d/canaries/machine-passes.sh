# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# quick: none it is a canary
# testvm: --memory 512M
# vmx: --memory 512M --file build/canary/canary_warn.ko
echo "TAP version 13"
echo "1..1"
echo "ok 1 - fine"
