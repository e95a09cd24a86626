#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# Files of working sets that 'run' refuses, and its message.  Needs no KVM.
. "$(dirname "$0")/program.inc"

set_file=$scratch_dir/set
head="kvm-working-set 1 page-size 4096"

# summed: adds the last line, with the sums of what is on stdin
summed() {
	python3 -c '
import sys, zlib
text = sys.stdin.read()
sizes = [int(line.split()[1], 16) for line in text.splitlines()[1:]]
print(text + f"ranges {len(sizes)} bytes {sum(sizes)} crc32 0x{zlib.crc32(text.encode()):08x}")'
}

# refused EXPECTED [ARGUMENT...]
refused() {
	expected=$1
	shift
	prefault run --working-set "$set_file" "$@"
	status_is 2 && says stderr "$expected" && silent stdout
}

check "no such file" refused "$set_file: No such file or directory"
echo "$head" >"$set_file"
check "a file that was cut" refused "$set_file, line 2: the file ends here"
check "and what to do" says stderr "record the set once more"
printf '%s\n' "$head" "0x1000 0x1000" "0x3000" >"$set_file"
check "a line that is no range" refused "$set_file, line 3: this is no line"
printf '%s\n' "$head" "0x1000 0x800" >"$set_file"
check "a range of no page" refused "$set_file, line 2: the range is not one of whole pages"
printf '%s\n' "$head" "0x1000 0x3000" "0x8000 0x1000" "0x2000 0x1000" | summed >"$set_file"
check "an overlap" refused "$set_file, line 4: the range overlaps"
sed -i 's/0x8000/0x9000/; 4d' "$set_file"
check "a changed file" refused "$set_file, line 4: number of ranges, bytes or checksum"
echo "kvm-working-set 2 page-size 4096" >"$set_file"
check "another version" refused "$set_file, line 1: the version"
echo "$head" | summed >"$set_file"
check "an empty set" refused "there is no page in this set"
printf '%s\n' "$head" "0x0 0x1000" "0x800000000000 0x1000" | summed >"$set_file"
check "a set of more than any VM" refused "reaches over 131072 GiB"
printf '%s\n' "$head" "0x100000000 0x1000" "0x100400000 0x1000" | summed >"$set_file"
check "a size that is too small" refused "--size has to be at least 4100K" --size 4M
check "a directory" sh -c "'$program' run --working-set / 2>&1 | grep -F '/: Is a directory'"
done_testing
