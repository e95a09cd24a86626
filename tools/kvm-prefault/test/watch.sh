#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# What 'kvm-prefault watch' makes of the files of debugfs: directories that look like
# it stand in for them.  Needs no KVM.
. "$(dirname "$0")/program.inc"

debugfs=$scratch_dir/debugfs
mkdir -p "$debugfs/kvm"
mkfifo "$scratch_dir/life" "$scratch_dir/lines"
# The process to watch ends when the test closes its input.
cat "$scratch_dir/life" >/dev/null &
pid=$!
exec 3>"$scratch_dir/life"
vm=$debugfs/kvm/$pid-12

# counters JOBS_RUNNING JOBS_DONE HELPERS, written as a whole, as a read of the
# kernel's file is; with a name that the command does not know
counters() {
	cat >"$scratch_dir/new" <<-END
		jobs_running $1
		jobs_done $2
		bytes_mapped 4194304000
		bytes_present 4096
		bytes_skipped 0
		a_new_one 17
		helpers $3
		errors_eintr 1
		errors_ecanceled 2
		errors_eagain 3
		errors_enomem 4
		errors_efault 5
		errors_other 6
	END
	mv "$scratch_dir/new" "$vm/map_memory"
}

head="job workers max_workers bytes_mapped bytes_present bytes_skipped bytes_total"
# jobs LINE...: each of them below the head
jobs() {
	printf '%s\n' "$head" "$@" >"$scratch_dir/new"
	mv "$scratch_dir/new" "$vm/map_memory_jobs"
}

watch() {
	prefault watch --debugfs "$debugfs" "$@"
}

# begin ARGUMENT...: watches, its lines to be read by next()
begin() {
	"$program" watch --debugfs "$debugfs" --interval 0.05 "$@" "$pid" \
		>"$scratch_dir/lines" 2>"$scratch_dir/stderr" 3>&- &
	watcher=$!
	exec 4<"$scratch_dir/lines"
}

# next PATTERN: reads until there is a line that matches, which becomes $line
next() {
	while read -r line <&4; do
		[[ ! $line =~ $1 ]] || return 0
	done
	echo "no line matches '$1'"
	return 1
}

# stop: ends the watcher, not the process
stop() {
	kill "$watcher"
	wait "$watcher"
	exec 4<&-
}

# wrong STATUS EXPECTED ARGUMENT...
wrong() {
	expected_status=$1 expected=$2
	shift 2
	watch "$@"
	status_is "$expected_status" && says stderr "$expected" && silent stdout
}

check "no PID" wrong 2 "the argument is one PID"
check "two PIDs" wrong 2 "the argument is one PID" 1 2
check "a PID that is no number" wrong 2 "PID is a number" x
for interval in 0 -1 x 1x nan 3601 ''; do
	check "the interval '$interval'" wrong 2 "--interval is" --interval "$interval" 1
done
check "no debugfs: what to do" wrong 2 "mount -t debugfs" --debugfs "$scratch_dir" $$
check "no VM" wrong 2 "process $pid has no VM" "$pid"
check "no VM anywhere" says stderr "No process has a VM."
mkdir "$debugfs/kvm/4294967-12" "$vm-not-a-vm"
: >"$debugfs/kvm/pf_taken"
check "the VMs of others" wrong 2 "VMs, as PID-FD: 4294967-12" "$pid"
# The largest PID is below that number.
check "no process" wrong 2 "there is no process 4194305" 4194305

mkdir "$vm"
counters 0 3 0
jobs
check "an idle VM" watch --once --interval 0.01 "$pid"
check "an idle VM: its line" diff "$scratch_dir/stdout" - <<END
VM $pid-12: no job is running, 3 done, 4000 MiB mapped, 0 helpers
END
cp -r "$vm" "$debugfs/kvm/$pid-9"
sed -i 's/^jobs_done .*/jobs_done 0/' "$debugfs/kvm/$pid-9/map_memory"
watch --once --interval 0.01 "$pid"
check "a VM without a batch, in the order of descriptors" diff "$scratch_dir/stdout" - <<END
VM $pid-9: no job so far
VM $pid-12: no job is running, 3 done, 4000 MiB mapped, 0 helpers
END
rm -r "$debugfs/kvm/$pid-9"

jobs "70 1 2 0 0 0 x"
check "a number that is none" wrong 1 "not as this version" --once --interval 0.01 "$pid"
jobs "70 1 2 0 0"
check "too few numbers" wrong 1 "not as this version" --once --interval 0.01 "$pid"
head=${head% *} jobs "70 1 2 0 0 0"
check "a column that is not there" wrong 1 "not as this version" --once --interval 0.01 "$pid"

# From here on with another order of columns, and one more.
head="name bytes_total job workers max_workers bytes_mapped bytes_present bytes_skipped"
counters 2 3 5
jobs "x 1073741824 70 3 4 268435456 1048576 1048576" "y 4096 71 1 1 0 0 0"
begin
check "two jobs: a line for each" next "^VM $pid-12, job 70: 258 of 1024 MiB \(25 %\), - MiB/s, 3 of 4 threads$"
check "and the other" next "^VM $pid-12, job 71: 0 of 0 MiB \(0 %\), - MiB/s, 1 of 1 threads$"
check "no progress: a rate of 0, and no end" \
	next "job 70: 258 of 1024 MiB \(25 %\), 0 MiB/s, 3 of 4 threads$"
jobs "x 1073741824 70 3 4 802160640 1048576 2097152" "y 4096 71 1 1 0 0 0"
check "progress: a rate, and the time left" \
	next "job 70: 768 of 1024 MiB \(75 %\), [1-9][0-9]* MiB/s, 3 of 4 threads, [0-9]* (s|min) left$"
jobs "y 4096 71 1 1 0 0 0"
check "a job that has ended" next "^VM $pid-12, job 70: ended$"
counters 0 5 5
jobs
check "the last one" next "^VM $pid-12, job 71: ended$"
check "the VM is idle" next "^VM $pid-12: no job is running, 5 done, 4000 MiB mapped, 5 helpers$"
counters 0 6 0
check "a job between two reads" next "no job is running, 6 done, 4000 MiB mapped, 0 helpers$"
rm -r "$vm"
check "the VM has ended" next "^process $pid has no VM any more$"
wait "$watcher"
check "the VM has ended: status" test $? = 0
exec 4<&-

mkdir "$vm"
counters 1 0 1
jobs "x 1000 72 2 2 500 0 0"
begin --json
# The line, as Python's d, and a condition on it.
line_is() {
	next '^\{' && python3 -c 'import json, sys
d = json.loads(sys.argv[1])
sys.exit(not eval(sys.argv[2]))' "$line" "$1" || { echo "$line"; false; }
}
check "JSON: the VM" line_is "d['vm'] == '$pid-12' and d['seconds'] > 0"
check "JSON: every counter, and no unknown one" line_is "d['counters'] == dict(
	jobs_running=1, jobs_done=0, bytes_mapped=4194304000, bytes_present=4096,
	bytes_skipped=0, helpers=1, errors_eintr=1, errors_ecanceled=2, errors_eagain=3,
	errors_enomem=4, errors_efault=5, errors_other=6)"
check "JSON: the job" line_is "d['jobs'] == [dict(job=72, workers=2, max_workers=2,
	bytes_mapped=500, bytes_present=0, bytes_skipped=0, bytes_total=1000,
	bytes_per_second=0, seconds_left=None)]"
stop

# On a terminal of 60 columns; script(1) makes one.
script --quiet --flush --return --command "stty cols 60
	exec '$program' watch --debugfs '$debugfs' --interval 0.05 $pid" /dev/null \
	>"$scratch_dir/lines" </dev/null 3>&- &
watcher=$!
exec 4<"$scratch_dir/lines"
check "a terminal: a bar" next "job 72: \[##########\.{10}\] 0 of 0 MiB"
check "no wider than the terminal" \
	test "$(sed 's/.*VM/VM/' <<<"${line%$'\r'}" | wc -m)" = 60
check "written over" next $'\e\\[1A\r\e\\[J'
jobs "x 1000 72 2 2 500 500 0" "x 1000 73 2 2 0 0 0"
check "a full bar" next "job 72: \[#{20}\]"
check "an empty one" next "job 73: \[\.{20}\]"
check "two rows written over" next $'\e\\[2A\r\e\\[J'
exec 3>&-
check "the process has ended" next "^process $pid has ended"
wait "$watcher"
check "the process has ended: status" test $? = 0
done_testing
