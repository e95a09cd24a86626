# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: svm
#
# A control group that reaches its memory limit is no bug of the kernel; what else is
# in the log still is, and so is a machine that has run out of memory.

set -u
here=$(cd "$(dirname "$0")" && pwd)
tap_output=$(mktemp) || exit 1
trap 'rm -f "$tap_output"' EXIT
# shellcheck source=../tap.inc
. "$here/../tap.inc"

oom=$(cat <<'END'
[    1.0] vmm invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0
[    1.0] CPU: 1 PID: 12 Comm: vmm
[    1.0] Call Trace:
[    1.0]  dump_header+0x4a/0x240
[    1.0] Tasks state (memory values in pages):
END
)
group="[    1.0] Memory cgroup out of memory: Killed process 12 (vmm)"
machine="[    1.0] Out of memory: Killed process 12 (vmm)"
trace="[    2.0] Call Trace:"
# Of a page fault in user mode whose allocation was made to fail.
fault="[    1.0] Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF"
leak="[    2.0] 3 pages leaked"

# expect WHAT FOUND LINE...: what is found in a log of these lines
expect()
{
	local what=$1 wanted=$2

	shift 2
	"$here/../testvm.d/scan-log" <(printf '%s\n' "$@") >"$tap_output"
	[ "$(cat "$tap_output")" = "$wanted" ]
	ok $? "$what"
}

echo "TAP version 13"
expect "the limit of a control group is no bug" "" "$oom" "$group"
expect "it hides no other trace" "7:$trace" "$oom" "$group" "$trace"
expect "nor a second one in its report" "5:$trace" "${oom%$'\n'*}" "$trace" "$group"
expect "a machine without memory is a bug" "6:$machine" "$oom" "$machine"
expect "a user's page fault without memory is no leak" "2:$leak" "$fault" "$leak"
done_testing
