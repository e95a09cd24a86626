#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# test-timeout: 300
# tools/soak: a turn of each program in the test machine, and what becomes of runs
# that are interrupted or fail, by a machine that only pretends.

top=$(cd "$(dirname "$0")/../.." && pwd)
for program in "$top"/build/{tools/map-memory-fuzz,selftests/map_memory_death_stress_test}; do
	[ -x "$program" ] || { echo "Bail out! no $program: run 'make build' first"; exit 1; }
done
mkdir -p "$top/build/soak-test"
dir=$(mktemp -d "$top/build/soak-test/XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
tap_output=$dir/output
# shellcheck source=../tap.inc
. "$top/tools/tap.inc"

# A machine that notes what it is to run, and ends as it is told.
cat >"$dir/machine" <<-'END'
	#!/bin/bash
	echo "$*" >>"${0%/*}/asked"
	[ ! -e "${0%/*}/interrupt" ] || kill -INT "$PPID"
	[ ! -e "${0%/*}/fail" ] || { echo "not ok 1 - a result"; exit 99; }
END
chmod +x "$dir/machine"

soak()
{
	"$top/tools/soak" --dir "$dir/$1" --turn 1 "${@:2}"
}

pretend()
{
	soak "$1" --machine "$dir/machine" "${@:2}"
}

# of SUM EXPRESSION: whether it is true of summary.json, s
of()
{
	python3 -c "import json, sys
s = json.load(open('$dir/$1/summary.json'))
sys.exit(not ($2))"
}

turn_of_the_fuzzer()
{
	soak real --kernels distribution --hours 1 --turns 1 &&
		of real 's["turns"] == 1 and s["calls"] > 0 and s["deaths"] == 0'
}

turn_of_the_stress_test()
{
	soak real --kernels distribution --hours 1 --turns 1
}

sums_up()
{
	of real 's["turns"] == 2 and s["deaths"] > 0 and s["vms"] > s["deaths"] and
		not s["failures"] and [t["program"] for t in s["seeds"]] == ["fuzz", "stress"]'
}

nothing_left_to_do()
{
	cp "$dir/real/turns" "$dir/turns.before"
	soak real --hours 0 && cmp "$dir/real/turns" "$dir/turns.before"
}

# seed_asked_for LINE
seed_asked_for()
{
	sed -n "$1s/.* --seed \([0-9]*\).*/\1/p" "$dir/asked"
}

interrupted()
{
	touch "$dir/interrupt"
	! pretend cut --hours 1 --turns 1 2>/dev/null && [ ! -s "$dir/cut/turns" ]
}

same_seed_again()
{
	rm "$dir/interrupt"
	touch "$dir/fail"
	! pretend cut --hours 1 --turns 1 && grep -q '  > not ok 1 - a result' "$tap_output" &&
		[ "$(wc -l <"$dir/asked")" = 2 ] &&
		[ "$(seed_asked_for 1)" = "$(seed_asked_for 2)" ]
}

failure_is_kept()
{
	grep -q 'not ok 1 - a result' "$dir/cut/turn-0/output" &&
		of cut 's["failures"] == 1 and s["failed"][0]["status"] == 99 and
			s["failed"][0]["failures"] == ["not ok 1 - a result"]'
}

no_such_kernel()
{
	! pretend none --hours 1 --turns 1 --kernels other && grep -q "no kernel 'other'" "$tap_output"
}

echo "TAP version 13"
check "a turn of the fuzzer" turn_of_the_fuzzer
check "then one of the stress test" turn_of_the_stress_test
check "calls, deaths, VMs and seeds are summed up" sums_up
check "a run that has its hours does nothing" nothing_left_to_do
check "a run that is interrupted counts no turn" interrupted
check "it goes on with the same seed" same_seed_again
check "a turn that fails is kept and reported" failure_is_kept
check "a kernel that there is not is refused" no_such_kernel
done_testing
