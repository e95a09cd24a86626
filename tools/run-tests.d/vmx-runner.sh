# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: vmx
#
# The runner judges a machine with Intel VMX as it judges the other: in one
# boot, which one of the tests ends.
# machine: vmx
# test-timeout: 600

set -u
. "$(dirname "$0")/canary.inc" check-vmx
runner_options=(--vmx)

echo "TAP version 13"
build_module_that_warns

run machine-passes.sh machine-warns.sh machine-fails.sh machine-dies.sh \
	machine-left-out.sh
[ $? = 1 ]
ok $? "the runner turns red"
has '^FAIL .*machine-warns .*1 passed, 1 failed' \
	"on a warning of the kernel, and blames the test that ran"
has '\| .*WARNING: .*canary_warn_init' "it shows the line of the kernel log"
has '^PASS .*machine-passes ' "it does not blame another test"
has '^FAIL .*machine-fails .*0 passed, 1 failed' "it turns red on a test that fails"
has '^FAIL .*machine-dies ' "and on one that kills the machine"
has '^LEFT OUT .*machine-left-out: for a reason' "it tells what it has left out"
has '^2 passed, 4 failed, 0 skipped$' "it sums up"

done_testing
