# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# quick: none it is a canary
echo "TAP version 13"
echo "not ok 1 - a program"
echo "# ok 1 - its first result"
echo "# # Bail out! not its second"
for i in $(seq 30); do
	echo "# line $i"
done
echo "1..1"
