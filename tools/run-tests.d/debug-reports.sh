# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: debug
#
# Whatever the debug kernel finds makes the run of a machine fail: a module has
# one bug of each kind, and the line that tells of it must come out.
# kernel: debug
# test-timeout: 200

set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
canary=$top/build/canary-debug
tap_output=$canary/out
# shellcheck source=../tap.inc
. "$top/tools/tap.inc"

finds()
{
	grep -Eq "$1" "$canary/out"
	ok $? "the debug kernel and the scan of its log find $2"
}

echo "TAP version 13"
mkdir -p "$canary" && cp "$here"/canaries/debug-module/* "$canary" &&
	make -C "$top/build/debug/linux" O=obj M="$canary" \
		modules >"$canary/out" 2>&1
ok $? "the module with the bugs builds"

# run BUG...
run()
{
	(cd "$top" && tools/testvm --debug --memory 512M --timeout 1200 -- bash -c '
		for bug; do
			insmod build/canary-debug/canary_bugs.ko bug=$bug ||
				exit 1
			rmmod canary_bugs
		done' - "$@") >"$canary/out" 2>&1
}

# Lockdep falls silent after its first report, and after one of KASAN's, and
# with it what checks RCU.
run rcu sleep lockdep kasan leak
[ $? = 99 ]
ok $? "a machine whose kernel finds bugs fails"
finds 'WARNING: suspicious RCU usage' "RCU used without its lock"
finds 'BUG: sleeping function called' "sleep where it is not allowed"
finds 'BUG: KASAN: slab-use-after-free in canary_kasan' "use after free"
finds 'kmemleak: unreferenced object' "leaked memory"
finds 'possible circular locking' "an inverted order of locks"

# The kernel does not go on with such a list.
run list
[ $? = 125 ]
ok $? "a machine whose kernel gives up fails"
finds 'list_add (double add|corruption)' "a corrupted list"
done_testing
