#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# Sessions on every path are clean for the compiler's sanitizers of addresses, leaks and
# undefined behaviour.
. "$(dirname "$0")/library.inc"

programs=$build_dir/sanitized/programs
if ! [ -x "$programs/session_input" ]; then
	echo "Bail out! no $programs: run 'make lib' first"
	exit 1
fi
if ! [ -r /dev/kvm ]; then
	skip "sanitizers" "no /dev/kvm"
	done_testing
fi
paths="uring ioctl pre-fault populate"
check "bad input" "$programs/session_input"
# shellcheck disable=SC2086
check "what is reported, on every path" "$programs/session_counts" $paths
# shellcheck disable=SC2086
check "control, on every path" "$programs/session_control" $paths
check "the caller's ring" "$programs/session_ring"
check "a child" "$programs/session_fork"
check "several threads" "$programs/session_threads"
done_testing
