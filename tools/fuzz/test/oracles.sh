#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm:
# debug: none it tests what is not part of the kernel
# test-timeout: 250
# That the fuzzer notices what is wrong: each thing that --plant does has to be
# told, by its name, and nothing without it.

top=$(cd "$(dirname "$0")/../../.." && pwd)
fuzz=$top/build/tools/map-memory-fuzz
[ -x "$fuzz" ] || { echo "Bail out! no $fuzz: run 'make fuzz-program' first"; exit 1; }
output=$(mktemp) || exit 1
trap 'rm -f "$output" "$output.check"' EXIT
tap_output=$output.check
# shellcheck source=../../tap.inc
. "$top/tools/tap.inc"

# How long the fuzzer waits for what never comes.  One thread alone: of the calls of
# several some could last as long on a busy host.  Helpers are kept for a second.
waits=(--threads 1 --deadline $((4 * ${TEST_TIMEOUT_FACTOR:-1})))

explain()
{
	grep -E 'VIOLATION|^(not )?ok 1 ' "$output" | sed 's/^#* */# /'
}

has()
{
	grep -qE -e "$1" "$output"
}

run()
{
	"$fuzz" --seed 1 "$@" >"$output"
}

# noticed WHAT TELLING [OPTION...]
noticed()
{
	! run --plant "$1" --seconds 40 "${@:3}" && has '^not ok 1 - seed 1$' &&
		has "^# VIOLATION, seed 1, .*: $2" &&
		[ "$(grep -c '^# VIOLATION' "$output")" = 1 ]
}

# Too short for every step to succeed; but none is without any.
nothing_noticed()
{
	run --steps 2400
	has '^ok 1 - seed 1$' && ! has 'VIOLATION' && ! has '^not ok .*: 0 calls'
}

missing_step_noticed()
{
	! run --plant step --steps 2400 && has '^ok 1 - seed 1$' &&
		has '^not ok [0-9]* - mremap: 0 calls'
}

echo "TAP version 13"
check "nothing wrong" nothing_noticed
check "a wrong errno" noticed errno 'result EDOM of .* was to '
check "bad arguments accepted" noticed refusal 'result 0 of .* fail with E[A-Z0-9]*$'
check "a refused structure written to" noticed write 'refused, but the batch was written'
check "a wrong leftover" noticed leftover 'mapping 0: .* are left of '
check "an error after everything is done" noticed result 'result -2 with first_undone'
check "a wrong count" noticed count '0x[0-9a-f]* of 0x[0-9a-f]* bytes are done, mapped '
check "an input field written to" noticed input 'a field that is only read was written'
check "a guest that sees another page" noticed view ".*the guest's (read|write)"
check "a call that does not end" noticed hang 'the call has not ended' "${waits[@]}"
check "a helper that is left" noticed helper '1 helper threads are left' \
	--steps 40 "${waits[@]}"
check "a VM that is left" noticed vm 'VMs or files of them are left' \
	--steps 40 "${waits[@]}"
check "a step that is never made" missing_step_noticed
done_testing
