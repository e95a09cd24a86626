#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# test-timeout: 400
#
# A scenario and a kind of memory that are a source file each, bench-additions/*.c,
# get by themselves to all that the benchmark prints: nothing names them but their
# files, here on the command line of make.
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
mkdir -p build
scratch=$(mktemp -d build/bench-additions.XXXXXX) || exit 1
trap 'rm -rf "$top/$scratch"' EXIT
tap_output=$scratch/output
# shellcheck source=../tap.inc
. tools/tap.inc
program=$scratch/kvm-bench

build()
{
	make --no-print-directory -C bench OUT="$top/$scratch" \
		EXTRA="$(echo "$top"/tools/run-tests.d/bench-additions/*.c)"
}

# prints PATTERN COMMAND...: COMMAND succeeds, and prints a line like that
prints()
{
	"${@:2}" >"$scratch/printed" || return
	grep -E "$1" "$scratch/printed" || {
		cat "$scratch/printed"
		return 1
	}
}

# holds FILE CONDITION: of Python, on the document
holds()
{
	python3 - "$@" <<'END'
import json, sys
document = json.load(open(sys.argv[1]))
entries = document.get("entries", [])
described = document.get("description", document)
scenarios = {s["name"]: s for s in described["scenarios"]}
kinds = {k["name"]: k for k in described["memory_kinds"]}
# Every figure has its metric, but what each entry has.
common = {"bytes", "pages", "workers", "seconds_median", "seconds_spread",
          "instructions_bytes", "instructions"}
metrics = {name: {m["name"] for m in s["metrics"]} | common
           for name, s in scenarios.items()}
if not eval("(" + sys.argv[2] + ")"):
    sys.exit(f"not so: {sys.argv[2]}\n{json.dumps(document, indent=1)}")
END
}

describe()
{
	"$program" --describe >"$scratch/described.json"
}

words()
{
	sed -n "s,.*<text[^>]*>\(<tspan[^>]*>\)*\([^<]*\)<.*,\2,p" \
		"$scratch/$1.svg" | tr -d ' '
}

report()
{
	bench/report "$scratch/bench.json" >"$scratch/page"
}

# section HEADING: of the page
section()
{
	sed -n "/^## $1\$/,/^## [^${1:0:1}]/p" "$scratch/page"
}

echo "TAP version 13"
check "both are compiled in" build
check "the help lists the scenario" \
	prints '^  release  .*Giving memory back' "$program" --help
check "the help lists the kind of memory" \
	prints '^  shared  ' "$program" --help
check "the program describes itself" describe
check "the scenario is described, with its metrics" \
	holds "$scratch/described.json" \
	'{"name": "released_bytes", "title": "memory released", "unit": "bytes",
	  "better": "higher", "in_tables": True} in scenarios["release"]["metrics"]'
check "the kind of memory is described" holds "$scratch/described.json" \
	'kinds["shared"]["page_size"] == 4096'
check "bench/run would run the scenario, on every kind of small pages" \
	prints '^release-instructions, .*--scenario release --memory [^ ]*,?shared.*' \
	bench/run --program "$program" --list
check "bench/run would prepare that kind of memory" \
	prints '^prepare-instructions, .*--memory [^ ]*shared' \
	bench/run --program "$program" --list
check "the benchmark without them has neither" \
	holds bench/results/emulated-2-cpus.json \
	'"release" not in scenarios and "shared" not in kinds'

check "bench/run runs it" bench/run --program "$program" --dir "$scratch" \
	release-instructions
check "the scenario is measured for each kind" holds "$scratch/bench.json" \
	'{e["memory"] for e in entries if e["scenario"] == "release" and
		e["outcome"] == "measured" and e["released_bytes"] == 1 << 20} ==
		{k for k in kinds if kinds[k]["page_size"] == 4096}'
check "every peer prepares the kind of memory" holds "$scratch/bench.json" \
	'{e["peer"] for e in entries if e["scenario"] == "prepare" and
		e["memory"] == "shared" and e["outcome"] == "measured"} ==
		{p["name"] for p in described["peers"]}'
check "every figure is described" holds "$scratch/bench.json" \
	'entries and all(name in metrics[e["scenario"]] for e in entries
		for name, value in e.items()
		if isinstance(value, (int, float)))'

check "the table has the scenario" \
	prints '^release: Giving memory back, munmap' cat "$scratch/bench.txt"
check "the table has its metric, in its unit" \
	prints '^ .*memory released, KiB' cat "$scratch/bench.txt"
check "the table has the scenario's row of the kind of memory" \
	prints '^  shared .*1,024' cat "$scratch/bench.txt"
check "the table has a table of the kind of memory" \
	prints '^prepare: shared, untouched' cat "$scratch/bench.txt"

check "bench/plot draws" bench/plot "$scratch/bench.json"
check "the scenario has a picture, with its title" \
	prints '^Givingmemoryback$' words release
check "that has bars for the kind of memory" prints '^shared' words release
check "the kind of memory is in the pictures of those before" \
	prints '^shared$' words instructions-untouched

check "bench/report writes" report
check "the scenario has a section" \
	prints '^\| shared \| munmap ' section 'Giving memory back'
check "that has the picture" \
	prints '\(pictures/release\.svg\)$' section 'Giving memory back'
check "the kind of memory is in the tables" \
	prints '^\| untouched, one thread \|.* shared ' section Instructions
check "that neither has an aim is said" \
	prints '^Measured without an aim: .*kind shared.*scenario release' \
	section Aims
check "that the kind is not calculated for large guests is said" \
	prints '^Not calculated, .*shared' cat "$scratch/page"
done_testing
