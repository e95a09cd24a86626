#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm: --kvm-param tdp_mmu=0
# debug: none it tests what is not part of the kernel
# 'kvm-prefault check' on KVM without the TDP MMU.
. "$(dirname "$0")/check.inc"

if [ -z "${TESTVM:-}" ]; then
	skip "all" "needs the test machine"
	done_testing
fi
check_by env
check "status: another method works" status_is 1
check "the row" row kvm tdp-mmu missing "tdp_mmu=N"
check "what to do" says stdout "Load the module kvm with tdp_mmu=1."
check "nested paging is there" row kvm nested-paging ok
check "no feature" test "$(states features)" = missing
check "the methods that are left" \
	test "$(names methods ok)" = "pre-fault populate populate+pre-fault session"
done_testing
