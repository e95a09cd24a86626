#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# Documentation/performance.md is what bench/report makes of the run it names, and
# Documentation/pictures/ what bench/plot makes of it; the same is true of
# qemu-performance.md, pictures/qemu/ and tools/qemu/bench/page.  Of the pictures the words
# and figures are compared: versions of gnuplot differ in the rest, and in the order.
top=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
tap_output=$scratch/output
# shellcheck source=../tap.inc
. "$top/tools/tap.inc"

words()
{
	sed -n "s,.*<text[^>]*>\(<tspan[^>]*>\)*\([^<]*\)<.*,\2,p" "$1" |
		tr -d " " | sort
}

# generated FILE COMMAND...: whether it prints the file
generated()
{
	"${@:2}" >"$scratch/page" && diff "$1" "$scratch/page"
}

same_words()
{
	words "$1" >"$scratch/old"
	words "$2" >"$scratch/new"
	diff "$scratch/old" "$scratch/new" && [ -s "$scratch/new" ]
}

# same_names DIRECTORY OTHER
same_names()
{
	diff <(cd "$1" && echo *.svg) <(cd "$2" && echo *.svg)
}

# check_pictures PAGE DIRECTORY NEW: DIRECTORY is below Documentation/
check_pictures()
{
	local picture file

	for picture in "$3"/*.svg; do
		file=$(basename "$picture")
		check "$file is of that run" same_words \
			"$top/Documentation/$2/$file" "$picture"
		check "$file is on the page" grep -q "($2/$file)" "$1"
	done
	check "there are no other pictures" same_names "$top/Documentation/$2" "$3"
}

# run_of PAGE: the name of its run
run_of()
{
	sed -n 's/^- Run: `\([a-z0-9-]*\)`.*/\1/p' "$1"
}

echo "TAP version 13"
mkdir "$scratch/pictures" "$scratch/qemu"

page=$top/Documentation/performance.md
run=$top/bench/results/$(run_of "$page").json
check "the page is generated from bench/results/$(basename "$run")" \
	generated "$page" "$top/bench/report" "$run"
check "bench/plot draws that run" "$top/bench/plot" "$run" "$scratch/pictures"
check_pictures "$page" pictures "$scratch/pictures"

page=$top/Documentation/qemu-performance.md
name=$(run_of "$page")
if [ -n "$name" ]; then
	check "the page of QEMU is generated from tools/qemu/bench/results/$name.json" \
		generated "$page" "$top/tools/qemu/bench/page" \
		"$top/tools/qemu/bench/results/$name.json" "$scratch/qemu"
	check_pictures "$page" pictures/qemu "$scratch/qemu"
else
	check "the page of QEMU is one of no run" \
		generated "$page" "$top/tools/qemu/bench/page"
fi
done_testing
