# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: svm
#
# The verdict of tools/check-upstream on results that were made up: what
# is worse than on the stock modules must turn red, and nothing else.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tap_output=$dir/tap
# shellcheck source=../tap.inc
. "$top/tools/tap.inc"

explain()
{
	sed 's/^/# /' "$dir/tap" "$dir/table"
}

# compare STOCK OURS: the rest of the lines of a test "it"; nothing for no line
compare()
{
	echo it >"$dir/names"
	printf '%s' "${1:+it $1$'\n'}" >"$dir/stock"
	printf '%s' "${2:+it $2$'\n'}" >"$dir/ours"
	awk -v table="$dir/table" -f "$top/tools/check-upstream.d/compare.awk" \
		"$dir/names" "$dir/stock" "$dir/ours" >"$dir/tap"
	[ "$(tail -n 1 "$dir/tap")" = 1..1 ]
}

# is_red STOCK OURS VERDICT TEXT
is_red()
{
	compare "$1" "$2" && grep -q '^not ok 1 - it: ' "$dir/tap" &&
		[ "$(awk '$1 == "it" { print $4 }' "$dir/table")" = "$3" ]
	ok $? "red: $4"
}

# is_green STOCK OURS LINE TEXT
is_green()
{
	compare "$1" "$2" && [ "$(sed -n 2p "$dir/tap")" = "$3" ]
	ok $? "not red: $4"
}

echo "TAP version 13"
is_red '1 pass 0 0' '1 fail 254 0 why' worse 'it passed, and fails'
is_red '1 pass 0 0' '1 skip 4 0 why' worse 'it passed, and is skipped'
is_red '1 pass 0 0' '1 timeout 124 0 why' worse 'it passed, and takes too long'
is_red '1 pass 0 9' '1 pass 0 8' worse 'fewer of its results pass'
is_red '1 pass 0 0' '3 fail 254 0 why' worse 'it fails three times'
is_red '1 skip 4 0 why' '1 fail 254 0 why' worse 'it was skipped, and fails'
is_red '1 fail 254 5 why' '1 fail 254 4 why' worse 'it fails, with fewer results'
is_red '1 fail 254 0 why' '1 bug 254 0 why' worse 'it fails, now with a bug'
is_red '1 pass 0 0' '1 bug 0 0' worse 'it passes, but the kernel log has a bug'
is_red '1 timeout 124 0 why' '1 died - 0 why' worse 'it kills the machine'
is_red '1 pass 0 0' '' missing 'it has no result on our modules'
is_red '' '1 pass 0 0' missing 'it has no result on the stock modules'
is_red '' '' missing 'it has no result at all'
is_red '1 pass 0 0' '1 well 0 0' missing 'its result is none that there is'

is_green '1 pass 0 0' '1 pass 0 0' 'ok 1 - it' 'it passes on both'
is_green '1 fail 254 0 why' '1 pass 0 0' 'ok 1 - it' 'it passes on ours alone'
is_green '1 pass 0 0' '2 pass 0 0' 'ok 1 - it (run 2 on ours)' \
	'it passes in a second run, which is told'
is_green '1 skip 4 0 no VMX' '1 skip 4 0 no VMX' \
	'ok 1 - it # SKIP skip on both: no VMX' 'it is skipped on both'
is_green '1 fail 254 0 x != y' '1 fail 254 0 x != y' \
	'ok 1 - it # SKIP fail:254 on both: x != y' 'it fails on both'
is_green '1 fail 254 0 why' '1 timeout 124 0 why' \
	'ok 1 - it # SKIP timeout, fail:254 on the stock modules: why' \
	'it fails on both, in two ways'

done_testing
