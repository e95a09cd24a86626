#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm: --memory 2G --hugepages-2m 20
# debug: none it tests what is not part of the kernel
# test-timeout: 300
# Replaying a working set, in VMs of 'run'.
. "$(dirname "$0")/program.inc"

json=$scratch_dir/json
set_file=$scratch_dir/set

# The conditions are Python's, on the list "results" of dictionaries.
holds() {
	python3 - "$json" "$1" <<'END'
import json, sys
document = json.load(open(sys.argv[1]))
results = document["results"]
alone = [r for r in results if r["prepared"] == "set"]
whole = [r for r in results if r["prepared"] == "all"]
small = [r for r in alone if r["memory"] == "4k"]
if not eval("(" + sys.argv[2] + ")"):
    print("not so:", sys.argv[2])
    for r in results:
        print({k: v for k, v in r.items() if k != "runs"})
    sys.exit(1)
END
}

# write_set NR ADDRESS: single pages, at the addresses of the expression of i
write_set() {
	python3 - "$1" "$2" >"$set_file" <<'END'
import sys, zlib
nr = int(sys.argv[1])
text = "kvm-working-set 1 page-size 4096\n" + "".join(
    f"{address:#x} 0x1000\n"
    for address in eval("[" + sys.argv[2] + " for i in range(nr)]"))
print(text + f"ranges {nr} bytes {nr << 12} crc32 0x{zlib.crc32(text.encode()):08x}")
END
}

# Every third page, in no order and from 17 GiB on.
write_set 1000 "(17 << 30) + i * 7 % 1000 * 0x3000"
prefault run --size 1M --method uring --quiet
if [ "$status" -eq 2 ]; then
	skip "all" "$(head -n 1 "$scratch_dir/stderr")"
	done_testing
fi

prefault run --working-set "$set_file" --memory 4k,hugetlb-2m --workers 3 \
	--json "$json"
check "all methods, two kinds of memory" status_is 0
check "the set alone is prepared, and all of memory" holds \
	'len(alone) == 2 * 8 and len(whole) == 2 * 7 and
		all(r["outcome"] == "measured" for r in results)'
check "the document describes the set" holds \
	'document["working_set"]["ranges"] == 1000 and
		document["working_set"]["bytes"] == 4096000 and
		document["working_set"]["base"] == 17 << 30'
check "memory is as large as the set reaches" holds \
	'all(r["bytes"] == (999 * 3 + 1) * 4096 for r in small) and
		all(r["bytes"] == 12 << 20 for r in results if r["memory"] != "4k")'
check "nothing prepared: a fault for each page of the set" holds \
	'[r["faults_during"] for r in small if r["method"] == "none"] == [1000]'
check "the peer leaves the faults of the set if it maps nothing" holds \
	'[r["faults_during"] for r in small if r["method"] == "populate"] == [1000]'
check "ours leave none, nor does the other peer" holds \
	'all(r["faults_during"] == 0 for r in results
		if r["method"] in ("populate+pre-fault", "vcpu", "ioctl", "uring",
			"session"))'
check "ours map the set, or all of memory" holds \
	'all(r["bytes_mapped"] == r["prepared_bytes"] for r in results
		if r["method"] in ("ioctl", "uring", "session"))'
check "the set, or all of memory, is prepared" holds \
	'all(r["prepared_bytes"] == 4096000 for r in small) and
		all(r["prepared_bytes"] == r["bytes"] for r in whole)'
check "pages in KVM's tables are those of the set" holds \
	'all(r["pages_4k"] == 1000 for r in small if r["method"] in ("ioctl", "uring", "session"))'
check "huge pages are mapped huge" holds \
	'all(r["pages_2m"] == 6 and r["prepared_bytes"] == 12 << 20 for r in results
		if r["memory"] == "hugetlb-2m" and r["method"] in ("ioctl", "uring", "session"))'

prefault run --working-set "$set_file" --method uring --size 64M
check "more memory than the set needs" status_is 0
check "the table says what is prepared" \
	says stdout "Prepared and touched: a set of 3.91 MiB in 1,000 ranges"
check "in both parts" says stdout "Prepared: all of memory; touched: a set of 3.91 MiB"
check "and how large memory is" says stdout "4k, 64 MiB"

# More ranges than a batch takes.
write_set 66000 "i * 0x2000"
prefault run --working-set "$set_file" --method ioctl,uring,session --json "$json" --quiet
check "66,000 ranges" status_is 0
check "take two batches or slices, which leave no fault" holds \
	'all(r["faults_during"] == 0 and r["bytes_mapped"] == 66000 * 4096
		for r in alone)'
done_testing
