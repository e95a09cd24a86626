#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm: --memory 2G --hugepages-2m 20
# debug: none it tests what is not part of the kernel
# test-timeout: 300
# Every method and kind of memory, on KVM with the feature.
. "$(dirname "$0")/program.inc"

json=$scratch_dir/json
kinds=4k,thp,hugetlb-2m,memfd

# The conditions are Python's, on the list "results" of dictionaries.
holds() {
	python3 - "$json" "$1" <<'END'
import json, sys
document = json.load(open(sys.argv[1]))
results = document["results"]
ours = [r for r in results if r["method"] in ("vcpu", "ioctl", "uring", "session")]
batch = [r for r in ours if r["method"] != "vcpu"]
pages = lambda r: r["bytes"] // 4096
if not eval(sys.argv[2]):
    print("not so:", sys.argv[2])
    for r in results:
        print({k: v for k, v in r.items() if k != "runs"})
    sys.exit(1)
END
}

if [ ! -r /dev/kvm ]; then
	skip "all" "no /dev/kvm"
	done_testing
fi
prefault run --size 1M --method uring --quiet
if [ "$status" -eq 2 ]; then
	skip "all" "$(head -n 1 "$scratch_dir/stderr")"
	done_testing
fi

# Odd on purpose: the size is no multiple of 2 MiB, or of the workers.
prefault run --size 16388K --memory $kinds --workers 3 --runs 2 --json "$json"
check "all methods, $kinds" status_is 0
check "a result each" holds 'len(results) == 8 * 4'
check "the document names all methods" holds \
	'[m["name"] for m in document["methods"]] == [r["method"] for r in results[:8]]'
check "and kinds of memory, also others" holds \
	'{r["memory"] for r in results} < {k["name"] for k in document["memory_kinds"]}'
check "all measured" holds 'all(r["outcome"] == "measured" for r in results)'
check "two runs each" holds 'all(len(r["runs"]) == 2 for r in results)'
check "sizes are rounded up to whole pages" holds \
	'all(r["bytes"] == (16388 << 10 if r["memory"] in ("4k", "memfd")
		else 18 << 20) for r in results)'
check "ours leave no fault" holds \
	'ours and all(r["faults_during"] == 0 for r in ours)'
check "a batch tells all bytes mapped, and none present" holds \
	'all(r["bytes_mapped"] == r["bytes"] and r["bytes_present"] == 0
		for r in batch)'
check "no more workers than asked for" holds \
	'all(1 <= r["workers"] <= 3 for r in ours)'
check "nothing prepared: a fault for each page of 4 KiB" holds \
	'all(pages(r) <= r["faults_during"] <= pages(r) + 3 for r in results
		if r["method"] == "none" and r["memory"] in ("4k", "memfd"))'
check "pre-fault alone: two faults for each untouched page" holds \
	'all(r["faults_during"] >= 2 * pages(r) - 8 for r in results
		if r["method"] == "pre-fault" and r["memory"] == "4k")'
check "the peer leaves no fault either" holds \
	'all(r["faults_during"] <= 1 for r in results
		if r["method"] == "populate+pre-fault")'
check "huge pages are mapped huge" holds \
	'all(r["pages_2m"] >= r["bytes"] >> 21 and not r["pages_4k"]
		for r in ours if r["memory"] == "hugetlb-2m")'

prefault run --size 16M --method uring --no-guest-pass --json - --workers 1
cp "$scratch_dir/stdout" "$json"
check "--no-guest-pass --json -: status" status_is 0
check "the guest did not run, and nothing claims it did" holds \
	'all(r["guest_seconds"] is None and r["faults_during"] is None
		for r in results)'
check "one worker" holds 'results[0]["workers"] == 1'
check "--json - prints no table" holds 'document["tool"] == "kvm-prefault"'

prefault run --size 64M --method uring --memory hugetlb-2m
check "too few huge pages: status" status_is 2
check "too few huge pages: what to do" says stderr "nr_hugepages"
done_testing
