# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# quick: svm
# test-timeout: 300
#
# The plugin of bench/traffic counts what a program does that is known.
top=$(cd "$(dirname "$0")/../.." && pwd)
plugin=$top/build/bench/traffic/plugin.so
scratch=$top/build/traffic-test
rm -rf "$scratch"
mkdir -p "$scratch" || exit 1
tap_output=$scratch/output
# shellcheck source=../tap.inc
. "$top/tools/tap.inc"

# counts SECTION CONDITION: Python's, on the sums of the program's own functions, as
# other processes run in the machine as well
counts()
{
	nm --print-size "$scratch/known" >"$scratch/symbols"
	python3 - "$scratch/sections" "$1" "$2" "$scratch/symbols" <<'END'
import json, sys
sections = {s["section"]: s["sites"] for s in map(json.loads, open(sys.argv[1]))}
words = [line.split() for line in open(sys.argv[4])]
own_functions = [(int(word[0], 16), int(word[0], 16) + int(word[1], 16))
                 for word in words if word[-1] in ("main", "other_writes")]
own = [site for site in sections[int(sys.argv[2])]
       if any(start <= site[0] < end for start, end in own_functions)]
(executed, loads, stores, atomics, lines, l1_misses, l2_misses,
 shared) = [sum(site[i] for site in own) for i in range(1, 9)]
if not eval(sys.argv[3]):
    print("not so:", sys.argv[3])
    print(executed, loads, stores, atomics, lines, l1_misses, l2_misses, shared)
    sys.exit(1)
END
}

echo "TAP version 13"
# Later versions have another interface, and refuse the plugin.
if ! qemu-system-x86_64 --version | grep -q 'version 7\.'; then
	skip "memory traffic" "the plugin is for QEMU 7"
	done_testing
fi
if [ ! -e "$plugin" ]; then
	echo "Bail out! no $plugin: run 'make bench-program' first"
	exit 1
fi
check "the program is built" cc -O1 -Wall -D_GNU_SOURCE -pthread -static \
	-Wl,-Ttext-segment=0x10000000 -I"$top/bench" -o "$scratch/known" "$top/tools/run-tests.d/traffic.d/known.c"
check "it runs in the machine" "$top/tools/testvm" --stock --timeout 200 \
	--plugin "$plugin,out=$scratch/sections,l1=32768:8,l2=1048576:16" -- \
	"$scratch/known"
check "a section each" [ "$(wc -l <"$scratch/sections")" = 6 ]
check "nothing" counts 1 'executed == 0'
# Some load and store of the pointer and the stack may be among them.
check "stores" counts 2 '1000 <= stores <= 1005 and not atomics'
check "lines that the section has not touched" counts 2 '1000 <= lines <= 1003'
check "lines are touched once, stored to twice" counts 3 \
	'2000 <= stores <= 2005 and 1000 <= lines <= 1003'
check "a cache of half the size misses each of them again" counts 3 \
	'2000 <= l1_misses <= 2005'
check "a larger one has them" counts 3 'l2_misses <= 10'
check "atomic operations" counts 4 'atomics == 500'
check "they need a load and a store each" counts 4 \
	'500 <= loads <= 505 and 500 <= stores <= 505'
check "nothing is shared" counts 3 'shared == 0'
check "lines that two threads write in turn" counts 5 '1000 <= shared <= 1003'
check "a thread that changes the CPU shares none" counts 6 'shared <= 3'
check "the other CPU's cache does not have them" counts 6 '1000 <= l2_misses <= 1005'

check "an argument that it does not know is refused" sh -c '! "$@"' sh \
	"$top/tools/testvm" --stock --plugin "$plugin,out=$scratch/none,l3=1:1" -- true
check "a cache that cannot be is refused" sh -c '! "$@"' sh \
	"$top/tools/testvm" --stock --plugin "$plugin,out=$scratch/none,l1=100:3" -- true
done_testing
