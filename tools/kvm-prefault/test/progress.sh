#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm: --memory 2G --hugepages-2m 20
# debug: none it tests what is not part of the kernel
# test-timeout: 60
# The progress of 'kvm-prefault run' on a terminal, which script(1) makes, and elsewhere.
. "$(dirname "$0")/program.inc"

if [ ! -r /dev/kvm ]; then
	skip "all" "no /dev/kvm"
	done_testing
fi

# Progress is shown of what takes longer than a moment: of more memory, if there is none.
with_progress() {
	for size in 256M 512M 1G; do
		"$@" run --method ioctl --workers 1 --size $size --no-guest-pass \
			>"$scratch_dir/stdout" 2>"$scratch_dir/stderr"
		status=$?
		! grep -q "ioctl: " "$scratch_dir/stdout" "$scratch_dir/stderr" || return
	done
}

on_terminal() {
	script --quiet --return --command "stty cols 60; exec $program $*" /dev/null </dev/null
}

prefault run --method ioctl --size 1M --no-guest-pass
if [ "$status" -eq 2 ]; then
	skip "all" "$(head -n 1 "$scratch_dir/stderr")"
	done_testing
fi
check "no terminal: no progress" silent stderr

with_progress on_terminal
check "a terminal: status" status_is 0
# A piece for each time that the line is written: what follows the erasing.
awk -v RS='\r\033\\[K' 'NR > 1' ORS='\n' "$scratch_dir/stdout" |
	grep '^4k, ioctl' >"$scratch_dir/pieces"
check "a terminal: a bar" grep -qE \
	'^4k, ioctl: \[#*\.*\] [0-9.]+ s, [0-9]+ of [0-9]+ MiB' "$scratch_dir/pieces"
check "no wider than the terminal" \
	awk 'length($0) > 59 { print; wide = 1 } END { exit wide || !NR }' "$scratch_dir/pieces"

with_progress "$program"
check "no terminal, and not asked for: none" silent stderr
progress_lines() {
	"$program" "$@" --progress
}
with_progress progress_lines
check "--progress: status" status_is 0
check "--progress: lines without a bar" grep -qxE \
	'4k, ioctl: [0-9.]+ s, [0-9]+ of [0-9]+ MiB mapped \([0-9]+ %\), [0-9]+ MiB in memory' \
	"$scratch_dir/stderr"
done_testing
