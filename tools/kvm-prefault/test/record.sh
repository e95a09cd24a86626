#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm:
# debug: none it tests what is not part of the kernel
# test-timeout: 120
# The working set of a VMM that runs, recorded, and replayed by 'run'.
. "$(dirname "$0")/program.inc"

[ -r /dev/kvm ] || {
	skip "all" "no /dev/kvm"
	done_testing
}

coproc vmm { exec python3 "$tool_dir/test/vmm.py"; }
# shellcheck disable=SC2154
pid=$vmm_PID
read -r host <&"${vmm[0]}" || {
	echo "Bail out! the VMM for the test does not start"
	exit 1
}
set_file=$scratch_dir/set
other=$scratch_dir/other

# touch_pages PAGE...: by the guest
touch_pages()
{
	echo "$@" >&"${vmm[1]}"
	read -r answer <&"${vmm[0]}"
	[ "$answer" = "done" ]
}

# has FILE RANGE...: each "ADDRESS SIZE", and no others
has()
{
	local file=$1
	shift
	printf '%s\n' "$@" >"$scratch_dir/wanted"
	sed '1d;$d' "$file" | diff "$scratch_dir/wanted" -
}

# refused STATUS EXPECTED ARGUMENT...
refused()
{
	local expected_status=$1 expected=$2
	shift 2
	prefault record "$@"
	status_is "$expected_status" && says stderr "$expected" && silent stdout
}

check "the guest touches pages" touch_pages 16 17 9 255
prefault record --output "$set_file" "$pid"
check "record" status_is 0
check "the set has the pages, and the program's" has "$set_file" \
	"0x2000 0x1000" "0x9000 0x1000" "0x10000 0x2000" "0xff000 0x1000"
check "the guess is printed" \
	says stderr "guessed: --memory 0:$host:98304K"
check "and how much that is" says stderr "4 ranges, 20 KiB of 98304 KiB"
check "nobody else may read the file" \
	test "$(stat -c %a "$set_file")" = 600
check "no other file is left" \
	test "$(find "$scratch_dir" -name 'set*' | wc -l)" = 1

prefault record "$pid"
check "without --output" status_is 0
cp "$scratch_dir/stdout" "$other"
check "the set is on stdout" diff "$set_file" "$other"

prefault record --memory "0x100000000:$host:64K" \
	--memory "4096:$(printf '%#x' $((host + 0x10000))):1M" "$pid"
cp "$scratch_dir/stdout" "$other"
check "--memory" has "$other" "0x1000 0x2000" "0xf0000 0x1000" \
	"0x100002000 0x1000" "0x100009000 0x1000"
check "nothing is guessed then" test -z "$(grep guessed "$scratch_dir/stderr")"

prefault record --below-4g 40K "$pid"
cp "$scratch_dir/stdout" "$other"
check "--below-4g" has "$other" "0x2000 0x1000" "0x9000 0x1000" \
	"0x100006000 0x2000" "0x1000f5000 0x1000"

prefault record --gap 24K "$pid"
cp "$scratch_dir/stdout" "$other"
check "--gap" has "$other" "0x2000 0x10000" "0xff000 0x1000"

# Waits for the line that says that written pages are noticed from now on.
"$program" record --written-for 10000 --output "$other" "$pid" \
	2>"$scratch_dir/waiting" &
recorder=$!
until grep -q "waiting" "$scratch_dir/waiting" || ! kill -0 $recorder 2>/dev/null; do
	sleep 0.1
done
check "the guest touches more pages" touch_pages 17 40
kill -TERM $recorder
wait $recorder
status=$?
check "--written-for, ended by a signal" status_is 0
check "the set has the pages that were written meanwhile" has "$other" \
	"0x2000 0x1000" "0x11000 0x1000" "0x28000 0x1000"
prefault record --written-for 1 "$pid"
cp "$scratch_dir/stdout" "$other"
check "--written-for, ended by its time" status_is 0
check "no page was written meanwhile" grep "^ranges 0 bytes 0 " "$other"

prefault run --working-set "$set_file" --method none,populate+pre-fault \
	--json "$scratch_dir/json"
check "run replays the set" status_is 0
check "which takes its faults away" python3 -c '
import json, sys
results = json.load(open(sys.argv[1]))["results"]
faults = [r["faults_during"] for r in results]
assert faults == [5, 0, 0], faults' "$scratch_dir/json"

check "no PID" refused 2 "one PID is needed"
check "two" refused 2 "one PID is needed" "$pid" "$pid"
check "no number" refused 2 "PID is a number" vmm
check "no such process" refused 2 "there is no process 2147483647" 2147483647
check "a process that is no VMM" refused 2 "process $$ has no VM" $$
for memory in 0 0:0 0:0:x x:0:4K 0:x:4K 1:0:4K 0:1:4K \
	0xfffffffffffff000:0:8K 0:0xfffffffffffff000:8K; do
	check "--memory $memory" refused 2 "--memory" --memory "$memory" "$pid"
done
check "memory that is not there" refused 1 "the process has no memory at" \
	--memory 0:0x1000:4K "$pid"
check "--memory and --below-4g" refused 2 "has no effect" \
	--memory "0:$host:4K" --below-4g 4K "$pid"
check "--below-4g of more" refused 2 "--below-4g is 4G at most" --below-4g 5G "$pid"
check "--written-for 0" refused 2 "--written-for is a number" --written-for 0 "$pid"
check "no such directory" refused 1 "No such file or directory" \
	--output "$scratch_dir/no/file" "$pid"
prefault record --output /dev/full/set "$pid"
check "no directory" says stderr "Not a directory"
"$program" record "$pid" >/dev/full 2>"$scratch_dir/stderr"
status=$?
check "no space: status" status_is 1
check "no space: message" says stderr "stdout: No space left on device"

if command -v setpriv >/dev/null; then
	cp "$program" "$scratch_dir/program"
	chmod 755 "$scratch_dir" "$scratch_dir/program"
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$scratch_dir/program" record "$pid" 2>"$scratch_dir/stderr"
	status=$?
	check "another user: status" status_is 2
	check "another user: message" says stderr "no permission"
	check "another user: what to do" says stderr "run as root"
else
	skip "another user" "no setpriv"
fi

kill "$pid"
done_testing
