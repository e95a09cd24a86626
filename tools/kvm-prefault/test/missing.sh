#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# The messages if KVM, or the feature, is not there.
. "$(dirname "$0")/program.inc"

# run_with_dev COMMAND VERB: in a mount namespace with an empty /dev, which COMMAND
# prepares.
run_with_dev() {
	prepare=$1
	shift
	unshare --mount sh -c "
		mount -t tmpfs tmpfs /dev && $prepare && shift && exec \"\$@\"" \
		sh - "$program" "$@" >"$scratch_dir/stdout" 2>"$scratch_dir/stderr"
	status=$?
}

if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
	run_with_dev true run
	check "no /dev/kvm: status" status_is 2
	check "no /dev/kvm: the message" says stderr "KVM is not loaded"
	check "no /dev/kvm: what to do" says stderr "modprobe kvm_amd"
	run_with_dev true check
	check "no /dev/kvm: status of check" status_is 3
	check "no /dev/kvm: what to do, by check" says stdout "modprobe kvm_amd"
	check "no /dev/kvm: no method works" says stdout "Methods that do: none."

	# A node that the device cgroup or the mount forbids opening.
	run_with_dev "mknod /dev/kvm c 10 232 && mount -o remount,nodev /dev" run
	check "no permission: status" status_is 2
	check "no permission: the message" says stderr "/dev/kvm: no permission"
	check "no permission: what to do" says stderr "group kvm"
else
	skip "no /dev/kvm" "needs root and a mount namespace"
	skip "no permission" "needs root and a mount namespace"
fi

prefault run --json "$scratch_dir/no/such/directory" --size 4K
if [ ! -r /dev/kvm ]; then
	skip "a result file that cannot be written" "no /dev/kvm"
else
	check "a result file that cannot be written: status" status_is 2
	check "a result file that cannot be written: the message" \
		says stderr "No such file or directory"
fi

prefault run --size 1M --method uring
if [ ! -r /dev/kvm ]; then
	skip "KVM without the feature" "no /dev/kvm"
elif [ "$status" -eq 0 ]; then
	skip "KVM without the feature" "this KVM has it"
else
	check "KVM without the feature: status" status_is 2
	check "KVM without the feature: how to get it" says stderr "make modules"
	prefault run --size 1M --method uring --json "$scratch_dir/json" --quiet
	check "KVM without the feature: JSON says so" \
		grep -q '"outcome": "unavailable"' "$scratch_dir/json"
	check "--quiet prints no table" silent stdout
fi
done_testing
