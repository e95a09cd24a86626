#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# Documentation/performance.md is what bench/report makes of the run it names, and
# Documentation/pictures/ what bench/plot makes of it.  Of the pictures the words and
# figures are compared: versions of gnuplot differ in the rest, and in the order.
top=$(cd "$(dirname "$0")/../.." && pwd)
page=$top/Documentation/performance.md
pictures=$top/Documentation/pictures
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

same_page()
{
	"$top/bench/report" "$run" >"$scratch/page" && diff "$page" "$scratch/page"
}

same_words()
{
	words "$1" >"$scratch/old"
	words "$2" >"$scratch/new"
	diff "$scratch/old" "$scratch/new" && [ -s "$scratch/new" ]
}

same_names()
{
	diff <(cd "$pictures" && echo *.svg) <(cd "$scratch" && echo *.svg)
}

echo "TAP version 13"
name=$(sed -n 's/^- Run: `\([a-z0-9-]*\)`.*/\1/p' "$page")
run=$top/bench/results/$name.json
check "the page is generated from bench/results/$name.json" same_page
check "bench/plot draws that run" "$top/bench/plot" "$run" "$scratch"
for picture in "$scratch"/*.svg; do
	file=$(basename "$picture")
	check "$file is of that run" same_words "$pictures/$file" "$picture"
	check "$file is on the page" grep -q "(pictures/$file)" "$page"
done
check "there are no other pictures" same_names
done_testing
