#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm: --memory 2G --hugepages-2m 20
# debug: none it tests what is not part of the kernel
# test-timeout: 300
#
# The benchmark's driver measures what it is asked to, on a tiny size, and
# bench/ makes its results out of that.  How fast anything is is not tested.
top=$(cd "$(dirname "$0")/../.." && pwd)
bench=$top/build/bench/kvm-bench
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
tap_output=$scratch/output
# shellcheck source=../tap.inc
. "$top/tools/tap.inc"

# The conditions are Python's, on the list "entries" of dictionaries.
holds()
{
	python3 - "$scratch/$1.json" "$2" <<'END'
import json, sys
document = json.load(open(sys.argv[1]))
entries = document["entries"]
if not eval("(" + sys.argv[2] + ")"):
    print("not so:", sys.argv[2])
    for entry in entries:
        print(entry)
    sys.exit(1)
END
}

# drive NAME ARGUMENT...
drive()
{
	file=$scratch/$1.json
	shift
	"$bench" --json "$file" "$@"
}

echo "TAP version 13"
if [ ! -x "$bench" ]; then
	echo "Bail out! no $bench: run 'make bench-program' first"
	exit 1
fi

check "every peer" drive prepare-seconds --size 2M --workers 1,2 --rounds 2 \
	--memory 4k,hugetlb-2m
check "an entry each" holds prepare-seconds 'len(entries) == 2 * 2 * (1 + 8 * 2)'
check "all measured, twice" holds prepare-seconds \
	'all(e["outcome"] == "measured" and len(e["samples"]) == 2 for e in entries)'
check "every field" holds prepare-seconds \
	'all(set(e) >= {"scenario", "peer", "memory", "state", "layout", "workers",
		"bytes", "pages", "instructions_per_page", "instructions",
		"seconds_median", "seconds_spread", "faults_left", "samples",
		"outcome", "reason"} for e in entries)'
check "seconds, and no instructions" holds prepare-seconds \
	'all(e["seconds_median"] >= 0 and e["seconds_spread"] >= 0 and
		e["instructions_per_page"] is None for e in entries)'
check "ours leave no fault" holds prepare-seconds \
	'all(e["faults_left"] == 0 for e in entries
		if e["peer"] in ("touch", "vcpu", "ioctl", "uring", "session"))'
check "nothing prepared: a fault for each page" holds prepare-seconds \
	'all(e["faults_left"] == e["bytes"] >> (12 if e["memory"] == "4k" else 21)
		for e in entries if e["peer"] == "none")'
check "the environment and the command" holds prepare-seconds \
	'document["environment"]["kernel"] and document["command"][1] == "--json"'

check "the other scenarios" drive costs-seconds --size 256K \
	--scenario scattered,limits,submit
check "all measured" holds costs-seconds \
	'entries and all(e["outcome"] == "measured" for e in entries)'
check "batches of scattered pages leave no fault" holds costs-seconds \
	'any(e["peer"] == "uring" for e in entries) and
		all(e["faults_left"] == 0 for e in entries
			if e["scenario"] == "scattered" and
				e["peer"] in ("vcpu", "ioctl", "uring"))'
check "latency" drive latency-seconds --scenario latency --size 512M
check "faults are timed, alone and beside jobs" holds latency-seconds \
	'{e["layout"] for e in entries} ==
		{"median-fault", "p99-fault", "all-faults"} and
		{e["peer"] for e in entries} == {"idle", "uring"}'
check "background" drive background-seconds --scenario background --size 512M
check "faults are timed beside a job of either kind" holds background-seconds \
	'len(entries) == 3 * 3 and all(e["outcome"] == "measured" for e in entries)
		and {e["peer"] for e in entries} ==
			{"idle", "ordinary", "background"}'
check "working sets" drive working-set-seconds --scenario working-set --size 4M
check "of three sizes, prepared in five ways, all measured" holds working-set-seconds \
	'len(entries) == 3 * 5 and all(e["outcome"] == "measured" for e in entries)'
check "nothing prepared: a fault for each page of the set" holds working-set-seconds \
	'all(e["faults_left"] == e["set_bytes"] >> 12 > 0 for e in entries
		if e["peer"] == "none")'
check "the set prepared, or all of memory: no fault" holds working-set-seconds \
	'all(e["faults_left"] == 0 for e in entries if e["peer"] != "none")'
check "memory of the set alone, or all of it" holds working-set-seconds \
	'all(e["present_bytes"] == (e["bytes"] if e["peer"].startswith("all-")
		else e["set_bytes"]) for e in entries)'
check "instructions, where the clock counts them" drive one-instructions \
	--clock instructions --size 64K --peer ioctl --state resident
check "they are instructions a page" holds one-instructions \
	'all(abs(e["instructions_per_page"] - e["samples"][0] * 1e9 / 16) < 0.1
		and e["seconds_median"] is None for e in entries)'

for name in prepare-seconds costs-seconds; do
	printf '%s\n' "$name" 0 command modules >"$scratch/$name.run"
done
check "results are merged" sh -c "'$top/bench/merge' 'a test' \
	'$scratch/prepare-seconds.json' '$scratch/costs-seconds.json' \
	>'$scratch/bench.json'"
check "all entries are there" holds bench \
	'{e["scenario"] for e in entries} ==
		{"prepare", "scattered", "limits", "submit"} and
		all("seconds_median" in e and "instructions_per_page" in e
			for e in entries)'
check "the table" "$top/bench/table" "$scratch/bench.json"

wrong()
{
	"$bench" "$@"
	[ $? = 2 ]
}
check "an unknown scenario" wrong --scenario magic
check "an unknown peer" wrong --peer magic
check "a wrong size" wrong --size 0
done_testing
