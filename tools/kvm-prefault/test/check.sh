#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# testvm:
# debug: none it tests what is not part of the kernel
# test-timeout: 120
# Each row of 'kvm-prefault check', on KVM with the feature, by taking away what the
# row is about.
. "$(dirname "$0")/check.inc"

if [ -z "${TESTVM:-}" ]; then
	skip "all" "changes the settings of the machine: needs the test machine"
	done_testing
fi
cgroup=/sys/fs/cgroup/check.$$
thp=/sys/kernel/mm/transparent_hugepage/enabled
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
disabled=/proc/sys/kernel/io_uring_disabled

# in_cgroup PATH COMMAND...
in_cgroup() {
	# shellcheck disable=SC2016
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$@"
}

# As a user who has nothing but its limit of threads.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups prlimit --nproc=1 "$@"
}

# With a filter that refuses io_uring_setup().
filtered() {
	python3 - "$@" <<'END'
import ctypes, os, struct, sys
# Load the number of the system call; 425 returns EPERM, others are allowed.
code = b"".join(struct.pack("HBBI", *i) for i in (
    (0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7fff0000)))
buffer = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer)))
prctl = ctypes.CDLL(None, use_errno=True).prctl
prctl.argtypes = [ctypes.c_int] + [ctypes.c_void_p] * 4
assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
END
}

without_debugfs() {
	# shellcheck disable=SC2016
	unshare --mount sh -c 'umount -l /sys/kernel/debug && exec "$@"' - "$@"
}

check_by env
check "all is there: status" status_is 0
check "all is there: the result" says stdout "KVM_MAP_MEMORY: all of it works."
for group in kvm features methods process watch; do
	check "all is there: $group" test "$(states $group)" = ok
done
check "the vendor's module" row kvm modules ok "kvm, kvm_amd with KVM_MAP_MEMORY"
check "nested paging" row kvm nested-paging ok "kvm_amd.npt=Y"
check "the device's owner" row kvm device ok "/dev/kvm: owner root, group "

# The rows are those of the ABI and of the tables.
features=$(sed -n 's/^#define KVM_MAP_MEMORY_FEATURE_\([A-Z_]*\).*/\1/p' \
	"$tool_dir/../../include/uapi/linux/kvm_map_memory.h" |
	tr '[:upper:]' '[:lower:]' | xargs)
check "a row for each feature of the ABI" test "$(names features)" = "$features"
# listed HEADING: the names below it in the help of 'run'
listed() {
	"$program" run --help |
		sed -n "/^$1:/,/^\$/s/^  \\([a-z0-9+-]*\\)  .*/\\1/p" | grep -vx none | xargs
}
check "a row for each method" test "$(names methods)" = "$(listed Methods)"
check "a row for each kind of memory" \
	test "$(names memory)" = "$(listed 'Kinds of memory')"

"$program" check --json >"$scratch_dir/json"
# The rows as the text has them, with advice where something is wrong.
same_rows() {
	python3 - "$scratch_dir/json" <<'END' >"$scratch_dir/rows" &&
import json, sys
document = json.load(open(sys.argv[1]))
assert document["status"] == 0 and document["map_memory_features"] & 7 == 7
for row in document["checks"]:
    assert (row["advice"] is None) == (row["state"] == "ok"), row
    print(row["name"], row["state"], row["value"])
END
	for group in kvm features methods process memory watch; do
		group $group
	done | diff - "$scratch_dir/rows"
}
check "JSON has the same rows" same_rows
prefault check more
check "an argument: status" status_is 2

echo 2 >$disabled
check_by env
echo 0 >$disabled
check "io_uring is disabled: status" status_is 1
check "io_uring is disabled: the row" \
	row process io_uring missing kernel.io_uring_disabled=2
check "io_uring is disabled: the advice" \
	says stdout "sysctl kernel.io_uring_disabled=0"
check "io_uring is disabled: one method is missing" \
	test "$(names methods missing)" = uring
check_by filtered
check "a filter refuses io_uring: the row" \
	row process io_uring missing "a seccomp filter"
check "a filter refuses io_uring: the advice" says stdout "Allow io_uring_setup"

check_by taskset -c 0
check "one CPU of two: status" status_is 0
check "one CPU of two: the row" row process cpus limited "1 of 2 online"
check "one CPU of two: the advice" says stdout "cpuset.cpus"

echo "+pids +memory" >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$cgroup"
echo "+pids +memory" >"$cgroup/cgroup.subtree_control"
mkdir "$cgroup/child"
echo 1 >"$cgroup/pids.max"
echo 64M >"$cgroup/child/memory.high"
check_by in_cgroup "$cgroup/child"
check "limits of control groups: status" status_is 0
check "pids.max of the group above: the row" \
	row process pids.max limited "room for 0 more threads"
check "pids.max of the group above: the advice" says stdout "raise $cgroup/pids.max"
check "memory.high of the own group: the row" row process memory.high limited "64 MiB"
check "memory.high of the own group: the advice" \
	says stdout "$cgroup/child/memory.high"
echo 100 >"$cgroup/pids.max"
check_by in_cgroup "$cgroup/child"
check "a limit that leaves room" row process pids.max ok "room for 99 more threads"
rmdir "$cgroup/child" "$cgroup"

# Where nobody can execute it.
chmod 755 "$scratch_dir"
cp "$program" "$scratch_dir/"
program=$scratch_dir/kvm-prefault check_by as_nobody
check "nobody: no method works" status_is 3
check "nobody: the device" row kvm device missing "/dev/kvm: no permission (owner root"
check "nobody: what to do" says stdout "group kvm"
check "nobody: methods need the device" test "$(states methods)" = missing
check "nobody: the limit of threads" row process nproc limited "1 of 1 threads in use"
check "nobody: what to do about it" says stdout "ulimit -u"
check "nobody: debugfs is for root" row watch debugfs missing "no permission"

check_by without_debugfs
check "debugfs is not mounted: the row" row watch debugfs missing "not mounted"
check "debugfs is not mounted: the advice" says stdout "mount -t debugfs"

# Tests of the same machine may have left some.
echo 0 >$pool
setting=$(sed 's/.*\[\(.*\)\].*/\1/' $thp)
echo never >$thp
check_by env
echo "$setting" >$thp
check "no transparent huge pages: status" status_is 0
check "no transparent huge pages: the row" row memory thp missing "switched off"
check "no transparent huge pages: the advice" says stdout "echo madvise >"
check "no huge pages: the row" row memory hugetlb-2m missing "1 needed, 0 free"
check "no huge pages: the advice" says stdout "echo 1 > $pool"
echo 3 >$pool
check_by env
echo 0 >$pool
check "huge pages: how many are free" row memory hugetlb-2m ok "3 of 3 pages free"
done_testing
