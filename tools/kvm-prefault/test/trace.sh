#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm:
# debug: none it tests what is not part of the kernel
# test-timeout: 300
# The command of the operator's guide that shows how long chunks take.
. "$(dirname "$0")/program.inc"

guide=$tool_dir/../../Documentation/operator-guide.rst
script=$scratch_dir/script

# Its lines are the first of the guide that begin with a tab and bpftrace.
awk '/^\tbpftrace -e / { on = 1 } on && !/^\t/ { exit } on' "$guide" >"$script"
check "the guide has the command" grep -q chunk_end "$script"

if [ ! -r /dev/kvm ]; then
	skip "a histogram of the time of chunks" "no /dev/kvm"
	done_testing
fi
command="$program run --size 64M --memory 4k --method ioctl --runs 1 --quiet"

mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing
printf ' -c "%s"' "$command" >>"$script"
# The newline before it would end the command.
tr '\n' ' ' <"$script" >"$script.line"
sh "$script.line" >"$scratch_dir/histogram" 2>&1
check "the histogram has every chunk" awk -F '|' '
	{ print }
	/^\[/ { n = split($1, words, " "); chunks += words[n] }
	END { print chunks + 0, "chunks"; exit chunks < 32 }' "$scratch_dir/histogram"
done_testing
