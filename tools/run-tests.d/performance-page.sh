#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# Documentation/performance.md is what bench/report makes of the run it names.
# shellcheck shell=sh
top=$(cd "$(dirname "$0")/../.." && pwd)
page=$top/Documentation/performance.md

echo "TAP version 13"
name=$(sed -n 's/^- Run: `\([a-z0-9-]*\)`.*/\1/p' "$page")
if "$top/bench/report" "$top/bench/results/$name.json" | diff "$page" - |
	sed 's/^/# /' | grep .; then
	echo "not ok 1 - the page is generated from bench/results/$name.json"
else
	echo "ok 1 - the page is generated from bench/results/$name.json"
fi
echo "1..1"
