#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# The example maps both ranges through io_uring.
program=${BUILD:-$(dirname "$0")/../../build/liburing-ext}/examples/map-memory
output=$("$program" 2>&1)
status=$?

printf '%s\n' "$output" | sed 's/^/# /'
case $status in
77)
	echo "ok 1 - the example # SKIP KVM lacks the feature"
	;;
0)
	case $output in
	"192 MiB mapped, 0 MiB present before, 0 MiB left"*)
		echo "ok 1 - the example" ;;
	*)
		echo "not ok 1 - the example tells of something else"
		status=1 ;;
	esac
	;;
*)
	if [ -r /dev/kvm ]; then
		echo "not ok 1 - the example: exit status $status"
	else
		echo "ok 1 - the example # SKIP no /dev/kvm"
		status=0
	fi
	;;
esac
echo "1..1"
[ "$status" -eq 0 ] || [ "$status" -eq 77 ]
