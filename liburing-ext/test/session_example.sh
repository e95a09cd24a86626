#!/bin/sh
# SPDX-License-Identifier: MIT
# quick: svm
# testvm:
# The example of a session maps all memory, and reports the path and the sums.
. "$(dirname "$0")/library.inc"

if ! [ -r /dev/kvm ]; then
	skip "the example" "no /dev/kvm"
	done_testing
fi
prints() {
	"$build_dir/examples/prefault-session" "$@" >"$scratch_dir/printed" || return 1
	cat "$scratch_dir/printed"
	grep -qx "uring: 128 MiB mapped, 0 present, 0 of either, 0 failed, by [12] threads" \
		"$scratch_dir/printed" &&
		grep -qx "128 of 128 MiB done" "$scratch_dir/printed"
}
check "without a limit" prints
check "with a limit" prints 1024
done_testing
