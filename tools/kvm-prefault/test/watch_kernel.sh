#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm:
# debug: none it tests what is not part of the kernel
# test-timeout: 20
# 'kvm-prefault watch' on a real VM, in the middle of a job that memory.high slows down.
. "$(dirname "$0")/program.inc"

if [ -z "${TESTVM:-}" ]; then
	skip "all" "needs the test machine"
	done_testing
fi
cgroup=/sys/fs/cgroup/watch.$$
echo "+memory" >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$cgroup"
echo 8M >"$cgroup/memory.high"

idle_vm prefault watch --once --interval 0.01
check "a VM without a batch: status" status_is 0
check "a VM without a batch" \
	grep -qx "VM $idle_pid-[0-9]*: no job so far" "$scratch_dir/stdout"

# shellcheck disable=SC2016
sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" "$program" run --quiet \
	--method ioctl --size 64M --workers 2 --no-guest-pass &
pid=$!
# A helper is there only while there is a job.
while ! grep -qs kvm-map-memory "/proc/$pid"/task/*/comm && kill -0 "$pid"; do
	sleep 0.1
done
if [ -e "$(echo "/sys/kernel/debug/kvm/$pid"-*/map_memory_jobs)" ]; then
	mkfifo "$scratch_dir/watch"
	"$program" watch --json --interval 0.1 "$pid" >"$scratch_dir/watch" &
	watcher=$!
	exec 4<"$scratch_dir/watch"
	# until_so CONDITION: a line for which it is true, Python's, of d and its job j
	until_so() {
		python3 -c 'import json, os, sys
while True:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(4, 1)
        if not part:
            sys.exit("the watcher has ended")
        line += part
    d = json.loads(line)
    j = d["jobs"][0] if d["jobs"] else None
    if j and eval("(" + sys.argv[1] + ")"):
        sys.exit()' "$1"
	}
	check "the job: its size and its threads" until_so 'len(d["jobs"]) == 1 and
		j["bytes_total"] == 64 << 20 and j["max_workers"] == 2 and
		1 <= j["workers"] <= 2 and j["bytes_mapped"] < j["bytes_total"]'
	check "the counters of the VM" until_so 'd["counters"]["jobs_running"] == 1 and
		d["counters"]["jobs_done"] == 0'
	check "it progresses: bytes, and a rate" until_so \
		'j["bytes_mapped"] > 0 and (j["bytes_per_second"] or 0) > 0'
	kill -KILL "$pid"
	wait "$watcher"
	check "the VMM has ended: status" test $? = 0
else
	skip "a running job" "the KVM modules have no files of jobs in debugfs"
	kill -KILL "$pid"
fi
wait "$pid" 2>/dev/null
rmdir "$cgroup"
done_testing
