#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm: --stock
# The messages and measurements with the distribution's KVM modules.
. "$(dirname "$0")/program.inc"

if [ ! -r /dev/kvm ] || [ ! -e /sys/module/kvm_amd/initstate ]; then
	skip "all" "no KVM of the module kvm_amd"
	done_testing
fi
prefault run --size 1M --method uring
if [ "$status" -eq 0 ]; then
	skip "all" "this KVM has the feature"
	done_testing
fi
check "asked for by name: status" status_is 2
check "what is missing" says stderr "no KVM_CAP_MAP_MEMORY"
check "how to build it" says stderr "make modules"
check "how to get rid of the loaded modules" says stderr "rmmod kvm_amd kvm"
check "how to load the others" \
	says stderr "insmod build/modules/$(uname -r)/kvm-amd.ko"

prefault run --size 1M
check "asked for by default: status" status_is 0
check "the table tells of it" says stdout "uring              unavailable: "
check "the other methods are measured" says stdout "populate+pre-fault "

prefault check
check "check: status" status_is 1
check "check: how to build it" says stdout "make modules"
check "check: the methods that are left" says stdout \
	"Methods that do: pre-fault, populate, populate+pre-fault, session."

idle_vm prefault watch --once
check "watch: status" status_is 2
check "watch: what is missing" says stderr "no KVM_CAP_MAP_MEMORY"
check "watch: how to build it" says stderr "make modules"
done_testing
