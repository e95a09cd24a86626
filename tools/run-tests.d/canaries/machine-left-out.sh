# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# testvm: --memory 512M
# vmx: none for a reason
echo "TAP version 13"
echo "1..1"
echo "ok 1 - fine"
