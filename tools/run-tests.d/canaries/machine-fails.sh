# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# testvm: --memory 512M
echo "TAP version 13"
echo "1..1"
echo "not ok 1 - not fine"
