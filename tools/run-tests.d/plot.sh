#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# The pictures in Documentation/pictures/ are what bench/plot makes of the run that the
# performance page names.  Their words and figures are compared: versions of gnuplot
# differ in the rest, and in the order.
top=$(cd "$(dirname "$0")/../.." && pwd)
page=$top/Documentation/performance.md
pictures=$top/Documentation/pictures
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
number=0

ok()
{
	verdict=$1
	shift
	number=$((number + 1))
	if [ "$verdict" = 0 ]; then
		echo "ok $number - $*"
	else
		echo "not ok $number - $*"
		sed 's/^/# /' "$scratch/output"
	fi
}

words()
{
	sed -n "s,.*<text[^>]*>\(<tspan[^>]*>\)*\([^<]*\)<.*,\2,p" "$1" |
		tr -d " " | sort
}

echo "TAP version 13"
name=$(sed -n 's/^- Run: `\([a-z0-9-]*\)`.*/\1/p' "$page")
"$top/bench/plot" "$top/bench/results/$name.json" "$scratch" >"$scratch/output" 2>&1
ok $? "bench/plot draws the kept run"

for picture in "$scratch"/*.svg; do
	file=$(basename "$picture")
	words "$picture" >"$scratch/new"
	{ words "$pictures/$file" | diff - "$scratch/new"; } >"$scratch/output" 2>&1 &&
		[ -s "$scratch/new" ]
	ok $? "$file is of that run"
	grep -q "(pictures/$file)" "$page"
	ok $? "$file is on the page"
done

(cd "$pictures" && echo *.svg) >"$scratch/committed"
(cd "$scratch" && echo *.svg) | diff "$scratch/committed" - >"$scratch/output"
ok $? "there are no other pictures"
echo "1..$number"
