#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# Wrong usage, --help and the manual page.  Needs no KVM.
. "$(dirname "$0")/program.inc"

# wrong EXPECTED ARGUMENT...: the message, on stderr only, and the status.
wrong() {
	expected=$1
	shift
	prefault "$@"
	status_is 2 && says stderr "$expected" && says stderr "usage:" &&
		silent stdout
}

check "no verb" wrong "no verb"
check "an unknown verb" wrong "there is no verb 'magic'" magic
check "an option before the verb" wrong "before '--size'" --size 1M run

check "run: an unknown option" wrong "unrecognized option" run --no-such-option
check "run: an option without its value" wrong "requires an argument" run --size
check "run: an argument" wrong "'more' is not an option" run more
check "an unknown method" wrong "no method 'magic'" run --method uring,magic
check "an empty method" wrong "no method ''" run --method uring,
check "an unknown memory" wrong "no memory '8k'" run --memory 8k
for size in 0 -1 x 4X 1.5G 5T 99999999999999999999 ''; do
	check "the size '$size'" wrong "--size is" run --size "$size"
done
for number in 0 -1 x 1x 257 ''; do
	check "'$number' workers" wrong "--workers is" run --workers "$number"
done
check "0 runs" wrong "--runs is" run --runs 0

prefault --version
check "--version" status_is 0
check "--version gives that of the project" \
	says stdout "$(cat "$tool_dir/../../VERSION")"

# The page's section on a verb, without the escapes of hyphens.
section() {
	sed -n "/^\.SH $(echo "$1" | tr '[:lower:]' '[:upper:]')\$/,/^\.SH /p" \
		"$tool_dir/kvm-prefault.1" | sed '1!{/^\.SH/d}' | sed 's/\\-/-/g'
}

# Options as "--word", from both sides.
same_options() {
	grep -oE -e '--[a-z][a-z-]*' "$scratch_dir/help-$1" | sort -u >"$scratch_dir/of-help"
	section "$1" | grep -oE -e '--[a-z][a-z-]*' | sort -u >"$scratch_dir/of-manual"
	[ -s "$scratch_dir/of-help" ] &&
		diff "$scratch_dir/of-help" "$scratch_dir/of-manual"
}

prefault --help
check "--help" status_is 0
check "--help writes nothing to stderr" silent stderr
verbs=$(sed -n 's/^  \([a-z]*\)  .*/\1/p' "$scratch_dir/stdout")
check "--help lists verbs" test -n "$verbs"
for verb in $verbs; do
	prefault "$verb" --help
	check "$verb --help" status_is 0
	check "$verb --help writes nothing to stderr" silent stderr
	cp "$scratch_dir/stdout" "$scratch_dir/help-$verb"
	check "$verb: --help and the manual page have the same options" \
		same_options "$verb"
done

in_manual() {
	sed -n '/^Methods:/,$p' "$scratch_dir/help-run" |
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
