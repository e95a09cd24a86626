#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: none make check-qemu runs these
# suite: qemu
# testvm: --memory 4G --hugepages-2m 32 --hugepages-1g 1
# test-timeout: 600
# The benchmark measures what it says, with a small guest, and sums rounds up.  How long
# anything takes is not tested.
here=$(cd "$(dirname "$0")" && pwd)
bench=$here/../bench
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
tap_output=$scratch/output
# shellcheck source=../../tap.inc
. "$here/../../tap.inc"
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1

# measure NAME SCENARIO [MIB]
measure()
{
	python3 "$bench/measure.py" --json "$scratch/$1.json" "${3:-32}" "$2" &&
		echo 0 >"$scratch/$1.deaths"
}

# holds FILE CONDITION: Python's, on the list "entries"
holds()
{
	python3 - "$scratch/$1.json" "$2" <<'END'
import json, sys
entries = json.load(open(sys.argv[1]))["entries"]
if not eval("(" + sys.argv[2] + ")"):
    print("not so:", sys.argv[2])
    for entry in entries:
        entry.pop("curve", None)
        print(entry)
    sys.exit(1)
END
}

# Those that the page shows; a curve and sizes at least.
pictures_exist()
{
	local name nr=0

	while read -r name; do
		[ -s "$scratch/page.d/$name" ] || return 1
		nr=$((nr + 1))
	done < <(sed -n 's,^!.*(pictures/qemu/\(.*\))$,\1,p' "$scratch/page")
	[ "$nr" -ge 3 ]
}

if ! [ -e /dev/kvm ]; then
	skip "benchmark of QEMU" "no KVM"
	done_testing
fi
check "boots" measure boot.1 boot
check "each mode with each kind of pages and guest" holds boot.1 \
	'len(entries) == 2 * 2 * 4'
check "faults without mapping" holds boot.1 \
	'all(e["faults"] > {"touches all": 6000, "touches 1/16": 300}[e["guest"]]
	     for e in entries
	     if e["memory"] == "4k" and e["mode"] in ("nothing", "prealloc"))'
check "of what the guest touches" holds boot.1 \
	'all(e["faults"] < 1000 for e in entries if e["guest"] == "touches 1/16")'
check "and next to none with it" holds boot.1 \
	'all(e["faults"] < 10 for e in entries if e["mode"] == "before the guest")'
check "restores" measure restore.1 restore
check "the set that was recorded takes no fault" holds restore.1 \
	'[e["faults"] for e in entries if e["mode"] == "the set first"] == [0, 0]'
check "without mapping it does" holds restore.1 \
	'all(e["faults"] > 3000 for e in entries
	     if e["memory"] == "4k" and e["mode"] == "nothing")'
check "migrations" measure migration.1 migration
check "each kind, guest and mode" holds migration.1 'len(entries) == 2 * 3 * 2 * 2'
check "the guest goes on at the destination" holds migration.1 \
	'all(any(t > 0 for t, _ in e["curve"]) and any(t < 0 for t, _ in e["curve"])
	     for e in entries)'
check "a pass at the destination takes faults without mapping" holds migration.1 \
	'all(e["first_pass_faults"] > 6000 for e in entries
	     if e["memory"] == "4k" and e["mode"] == "off" and e["guest"] == "writes")'
check "and few with it, where all is there" holds migration.1 \
	'all(e["first_pass_faults"] < 600 for e in entries
	     if e["mode"] == "on" and e["kind"] != "postcopy")'
check "sizes" measure terabyte.1 terabyte 16384
check "each size, kind of pages and mode" holds terabyte.1 \
	'[(e["memory"], e["gib"]) for e in entries if e["mode"] == "two guests"] ==
	 [("2m", "0.25"), ("2m", "1"), ("2m", "4"), ("2m", "16"),
	  ("1g", "1"), ("1g", "4"), ("1g", "16")]
	 and len(entries) == 2 * 7 + 2'
check "each huge page has its entry, or small ones" holds terabyte.1 \
	'all((e["huge_entries"] + e["huge_pages_in_small_entries"]) *
	     {"2m": 2, "1g": 1024}[e["memory"]] ==
	     float(e["gib"]) * 1024 * {"one guest": 1, "two guests": 2}[e["mode"]]
	     for e in entries if e["mode"] != "cancelled")'
check "page tables grow with the entries" holds terabyte.1 \
	'all(128 <= e["page_tables_kib"] - e["huge_entries"] // 512 * 4 < 228
	     for e in entries
	     if e["mode"] == "one guest" and not e["huge_pages_in_small_entries"])'
check "what is cancelled has no more than a part of them" holds terabyte.1 \
	'all(0 < e["huge_entries"] * {"2m": 2, "1g": 1024}[e["memory"]] < 16384
	     for e in entries if e["mode"] == "cancelled")'
cp "$scratch/boot.1.json" "$scratch/boot.2.json"
cp "$scratch/boot.1.deaths" "$scratch/boot.2.deaths"
check "rounds are summed up" "$bench/report" "a command" "a checksum" "$scratch" \
	"$scratch/boot.1.json" "$scratch/boot.2.json" "$scratch/migration.1.json" \
	"$scratch/restore.1.json" "$scratch/terabyte.1.json"
check "by medians" holds bench \
	'all(e["faults"]["median"] == e["faults"]["low"] == e["faults"]["high"]
	     for e in entries if e["scenario"] == "boot")'
check "for people" grep -q 'before the guest' "$scratch/bench.txt"
check "with pictures" [ -s "$scratch/migration-precopy-4k-writes.svg" ]
check "also of sizes" [ -s "$scratch/terabyte-page-tables.svg" ]
check "the page of such results" sh -c '"$@" >"$0"' "$scratch/page" \
	"$bench/page" "$scratch/bench.json" "$scratch/page.d"
check "says of each aim whether it is met" \
	[ "$(grep -cE '^\| [^|]*\| (met|missed) \|' "$scratch/page")" = 4 ]
check "compares each boot and restore with one without mapping" \
	[ "$(grep -cE '\| (pays|a loss) \|$' "$scratch/page")" = $((2 * 2 * 2 + 2 * 2)) ]
check "and says nowhere that nothing was measured" \
	sh -c '! grep "^Not measured" "$1"' sh "$scratch/page"
check "its pictures are there" pictures_exist
check "of a broken file nothing is made" sh -c '! "$@"' sh "$bench/report" "a command" \
	"a checksum" "$scratch/none" "$scratch/none.json"
done_testing
