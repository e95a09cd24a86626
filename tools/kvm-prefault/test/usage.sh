#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# Wrong usage, --help and the manual page.  Needs no KVM.
. "$(dirname "$0")/program.inc"

# wrong EXPECTED ARGUMENT...: the message, on stderr only, and the status.
wrong() {
	expected=$1
	shift
	run "$@"
	status_is 2 && says stderr "$expected" && says stderr "usage:" &&
		silent stdout
}

check "an unknown option" wrong "unrecognized option" --no-such-option
check "an option without its value" wrong "requires an argument" --size
check "an argument that is no option" wrong "'more' is not an option" more
check "an unknown method" wrong "no method 'magic'" --method uring,magic
check "an empty method" wrong "no method ''" --method uring,
check "an unknown memory" wrong "no memory '8k'" --memory 8k
for size in 0 -1 x 4X 1.5G 5T 99999999999999999999 ''; do
	check "the size '$size'" wrong "--size is" --size "$size"
done
for number in 0 -1 x 1x 257 ''; do
	check "'$number' workers" wrong "--workers is" --workers "$number"
done
check "0 runs" wrong "--runs is" --runs 0

run --version
check "--version" status_is 0
check "--version tells that of the project" \
	says stdout "$(cat "$tool_dir/../../VERSION")"

run --help
check "--help" status_is 0
check "--help writes nothing to stderr" silent stderr
cp "$scratch_dir/stdout" "$scratch_dir/help"

# Options as "--word", from both sides.
grep -oE -e '--[a-z][a-z-]*' "$scratch_dir/help" | sort -u >"$scratch_dir/of-help"
sed -n '/^.SH OPTIONS/,/^.SH METHODS/p' "$tool_dir/kvm-prefault.1" |
	sed 's/\\-/-/g' | grep -oE -e '--[a-z][a-z-]*' | sort -u >"$scratch_dir/of-manual"
check "--help and the manual page have the same options" \
	diff "$scratch_dir/of-help" "$scratch_dir/of-manual"

in_manual() {
	sed -n '/^Methods:/,$p' "$scratch_dir/help" |
		sed -n 's/^  \([a-z0-9+-]*\)  .*/\1/p' >"$scratch_dir/names"
	[ -s "$scratch_dir/names" ] || return 1
	while read -r word; do
		grep '^\.BR\{0,1\} ' "$tool_dir/kvm-prefault.1" | grep -qF "$word" ||
			{ echo "$word is not in the manual page"; return 1; }
	done <"$scratch_dir/names"
}
check "every method and memory is in the manual page" in_manual
if command -v mandoc >/dev/null; then
	check "mandoc has nothing to say" \
		mandoc -T lint -W style "$tool_dir/kvm-prefault.1"
else
	skip "mandoc has nothing to say" "no mandoc"
fi
done_testing
