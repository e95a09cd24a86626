#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# The blocking calls on KVM, see blocking_calls.c.
program=${BUILD:-$(dirname "$0")/../../build/liburing-ext}/programs/blocking_calls
[ -x "$program" ] || {
	echo "Bail out! no $program: run 'make lib' first"
	exit 1
}
exec "$program"
