#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# That every program has all kinds of memory and methods of the library's tables, by
# what --help lists.  Needs no KVM.
top=$(cd "$(dirname "$0")/../../.." && pwd)
command=$top/build/tools/kvm-prefault
bench=$top/build/bench/kvm-bench
fuzz=$top/build/tools/map-memory-fuzz
for program in "$command" "$bench" "$fuzz"; do
	[ -x "$program" ] ||
		{ echo "Bail out! no $program: run 'make build' first"; exit 1; }
done
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
tap_output=$scratch/output
# shellcheck source=../../tap.inc
. "$top/tools/tap.inc"

# listed HEADING COMMAND...: the names below it in the help, sorted
listed()
{
	heading=$1
	shift
	"$@" --help | sed -n "/^$heading:/,/^\$/s/^  \\([a-z0-9+-]*\\)  .*/\\1/p" | sort
}

# has EXPECTED FOUND: files; FOUND may have more
has()
{
	[ -s "$1" ] && [ -z "$(comm -23 "$1" "$2")" ] || { diff "$1" "$2"; false; }
}

# The names that begin a row of a table are the library's word for them.
sed -n 's/^\t\t\.name = "\(.*\)",$/\1/p' "$top/tools/vmm/memory_kinds.c" |
	sort >"$scratch/kinds"
sed -n 's/^\t\.name = "\(.*\)",$/\1/p' "$top"/tools/vmm/method_*.c |
	sort >"$scratch/methods"
listed 'Kinds of memory' "$command" run >"$scratch/command-kinds"
listed Methods "$command" run >"$scratch/command-methods"
listed 'Kinds of memory' "$bench" >"$scratch/bench-kinds"
listed Peers "$bench" >"$scratch/bench-methods"
listed 'Kinds of memory' "$fuzz" >"$scratch/fuzz-kinds"
# Its pages are larger than a region of the fuzzer.
grep -vx hugetlb-1g "$scratch/kinds" >"$scratch/small-kinds"

echo "TAP version 13"
check "the command: kinds of memory" diff "$scratch/kinds" "$scratch/command-kinds"
check "the command: methods" diff "$scratch/methods" "$scratch/command-methods"
check "the benchmark: kinds of memory" diff "$scratch/kinds" "$scratch/bench-kinds"
check "the benchmark: methods, and its own" \
	has "$scratch/methods" "$scratch/bench-methods"
check "the fuzzer: kinds of memory, and its own" \
	has "$scratch/small-kinds" "$scratch/fuzz-kinds"
done_testing
