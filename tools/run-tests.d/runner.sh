# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: svm
#
# Tests of the test runner: what must turn a run red does.
# test-timeout: 300

set -u
. "$(dirname "$0")/canary.inc" check
runner_options=()

# The words that the report must hold, the sum, and the exit status.
turns_red()
{
	local canary=$1 reason=$2 sum=$3

	run "$canary.sh"
	[ $? = 1 ] && grep -q "$reason" "$results.out" &&
		[ "$(tail -n 1 "$results.out")" = "$sum" ]
	ok $? "the runner turns red on a test that $canary"
}

echo "TAP version 13"

run passes.sh && [ "$(tail -n 1 "$results.out")" = \
	"1 passed, 0 failed, 0 skipped" ]
ok $? "the runner is green on a test that passes"

turns_red fails "not ok 2 - not fine" "1 passed, 1 failed, 0 skipped"
turns_red fails-within "> # # Bail out! not its second" \
	"0 passed, 1 failed, 0 skipped"
turns_red exits-nonzero "exit status 3" "1 passed, 1 failed, 0 skipped"
turns_red has-no-plan "no plan" "1 passed, 1 failed, 0 skipped"
turns_red says-nothing "no plan" "0 passed, 1 failed, 0 skipped"
turns_red gives-too-few-results "planned 2 results, gave 1" \
	"1 passed, 1 failed, 0 skipped"
turns_red gives-too-many-results "planned 1 results, gave 2" \
	"2 passed, 1 failed, 0 skipped"
turns_red takes-too-long "not finished in time" "1 passed, 1 failed, 0 skipped"
turns_red skips-all "SKIP" "0 passed, 0 failed, 1 skipped"

"$top/tools/run-tests" --dir "$results" no-such-test >"$results.out" 2>&1
[ $? = 1 ]
ok $? "the runner turns red on a test that does not exist"

"$top/tools/run-tests" --dir "$results" scan-log no-such-test >"$results.out" 2>&1
[ $? = 1 ] && grep -q 'no test is called no-such-test' "$results.out"
ok $? "also beside one that does"

run wants-another-kernel.sh
[ $? = 1 ]
ok $? "the runner turns red on a kernel that it does not know"
has "there is no kernel 'this test would run" "it tells which"

run is-in-no-tier.sh
[ $? = 1 ]
ok $? "the runner turns red on a test that is in no tier"
has "is-in-no-tier.sh: no line 'quick:'" "it names the test"

runner_options=(--quick --debug)
run cannot-run-in-its-tier.sh
[ $? = 1 ]
ok $? "the runner turns red on a tier that a test says it is in and is not"
has "cannot-run-in-its-tier.sh: 'quick:' names debug" "it names test and tier"

runner_options=(--quick)
run passes.sh
[ $? = 1 ]
ok $? "the runner turns red on a tier with nothing in it"
runner_options=()

# lists WHAT PATTERN OPTION...: a list has tests of that name
lists()
{
	local what=$1 pattern=$2

	shift 2
	"$top/tools/run-tests" --list "$@" >"$results.out" 2>&1 &&
		grep -q "$pattern" "$results.out"
	ok $? "$what"
}

lists "a suite has its tests" '^tools.qemu.test.boot ' --suite qemu
! grep -qv '^tools.qemu.test' "$results.out"
ok $? "and no others"
lists "all tests are those of no suite" '^tools.fuzz.test.fuzz '
! grep -q '^tools.qemu.test' "$results.out"
ok $? "and no others"
lists "a name finds a test of a suite" '^tools.qemu.test.boot ' boot
"$top/tools/run-tests" --suite no-such-suite --list >"$results.out" 2>&1
[ $? = 1 ]
ok $? "a suite that does not exist is an error"

# In one boot: each test is judged by what happened while it ran.
build_module_that_warns

run machine-passes.sh machine-warns.sh machine-fails.sh
status=$?
[ "$status" = 1 ]
ok $? "the runner turns red on a warning of the kernel"
has '^FAIL .*machine-warns .*1 passed, 1 failed' "it blames the test that ran"
has '\| .*WARNING: .*canary_warn_init' "it shows the line of the kernel log"
has '^PASS .*machine-passes ' "it does not blame another test"
has '^FAIL .*machine-fails .*0 passed, 1 failed' \
	"the runner turns red on a test that fails in the machine"
has '^2 passed, 2 failed, 0 skipped$' "it sums up"
tail -n 3 "$results.out" | grep -q '^# failed: .*machine-warns: .*WARNING: '
ok $? "it names the kernel's warning once more at the end"
tail -n 3 "$results.out" | grep -q '^# failed: .*machine-fails: not ok 1'
ok $? "it names the test that failed there"

run machine-dies.sh machine-passes.sh
status=$?
[ "$status" = 1 ]
ok $? "the runner turns red on a machine that dies"
has '^FAIL .*machine-dies ' "it blames the test that ran then"
has '^PASS .*machine-passes ' "it runs the others in a new machine"
grep -Eq '^ +[0-9.]+  boot-[0-9]+/tools.run-tests.d.canaries.machine-passes$' "$results/times"
ok $? "it lists what took its time"

# With two machines for one queue, each test runs once.
runner_options=(--jobs 2 --load 1)
run machine-passes.sh machine-fails.sh machine-dies.sh
status=$?
[ "$status" = 1 ]
ok $? "the runner turns red with two machines and a load"
has '^1 passed, 3 failed, 0 skipped$' "each test has run once"

done_testing
