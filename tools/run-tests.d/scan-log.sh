# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: svm
#
# A control group that reaches its memory limit is no bug of the kernel, and KVM's look
# for poison none of this project; what else is in the log still is, and so is a machine
# that has run out of memory.

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
# Of KVM itself, from whichever call.
poison=$(cat <<'END'
[    1.0] FAULT_FLAG_ALLOW_RETRY missing 1
[    1.0] CPU: 0 UID: 0 PID: 12 Comm: vmm Not tainted 6.12.1 #1
[    1.0] Call Trace:
[    1.0]  <TASK>
[    1.0]  handle_userfault+0x4a/0x240
[    1.0]  get_user_pages+0x80/0x100
[    1.0]  hva_to_pfn+0x200/0x700 [kvm]
[    1.0]  </TASK>
END
)

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
expect "nor is KVM's look for poison" "" "$poison"
expect "which hides no other trace" "9:$trace" "$poison" "$trace"
expect "nor one within it" "5:$trace" "${poison/ <TASK>/ <TASK>$'\n'$trace}"
expect "others who may not wait are a bug" "3:${trace/2/1}" "${poison/hva_to_pfn/other}"
expect "and so is a report without an end" "3:${trace/2/1}" \
	"$(sed 4q <<<"$poison")"
done_testing
