#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# Completion for bash, compared with what --help lists; and what 'make install'
# installs.  Needs no KVM.
. "$(dirname "$0")/program.inc"
# shellcheck source=../completion/kvm-prefault
. "$tool_dir/completion/kvm-prefault"

# words WORD...: completes the last of them; a line each, sorted
words() {
	COMP_WORDS=("$program" "$@")
	COMP_CWORD=$#
	_kvm_prefault
	[ "${#COMPREPLY[@]}" = 0 ] || printf '%s\n' "${COMPREPLY[@]}" | sort
}

# completes EXPECTED WORD...: EXPECTED is separated by spaces, and sorted
completes() {
	expected=$1
	shift
	found=$(words "$@" | xargs)
	[ "$found" = "$expected" ] || { echo "'$found', not '$expected'"; false; }
}

# The options of a verb, from its help; with a pattern, those whose line matches.
options() {
	"$program" "$1" --help | grep -oE -e "^  .{0,3} *--[a-z-]+${2:-}" |
		grep -oE -e '--[a-z-]+' | sort | xargs
}

verbs=$("$program" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
check "--help lists verbs" test -n "$verbs"
check "the verbs" completes "$(printf '%s\n' $verbs --help --version | sort | xargs)" ""
check "the beginning of a verb" completes "run" ru
for verb in $verbs; do
	check "$verb: its options" completes "$(options "$verb")" "$verb" --
	check "$verb: some" test -n "$(options "$verb")"
	check "$verb: nothing where an option has a value of its own" \
		completes "" "$verb" --no-such-option x
	for option in $(options "$verb" ' LIST'); do
		check "$verb $option: values" test -n "$(words "$verb" "$option" "")"
	done
done

methods="ioctl none populate populate+pre-fault pre-fault session uring vcpu"
check "methods" completes "$methods" run --method ""
check "by the short option" completes "$methods" run -m ""
check "after =" completes "$methods" run --method =
check "after = and a letter" completes "uring" run --method = u
check "kinds of memory" completes "hugetlb-1g hugetlb-2m" run -M huge
check "the last name of a list" completes "uring,populate uring,populate+pre-fault" \
	run --method uring,po
: >"$scratch_dir/a-file"
mkdir "$scratch_dir/a-directory"
check "a file" completes "$scratch_dir/a-file" run --json "$scratch_dir/a-f"
check "an option behind a value" completes "--json" run --size 1M --js
check "--json of a verb that takes no value for it" completes "--json" check --json --js
check "a directory" completes "$scratch_dir/a-directory" \
	watch --debugfs "$scratch_dir/a"
check "an unknown verb" completes "" magic --

# installed FILE MODE
installed() {
	[ "$(stat -c %a "$scratch_dir/root/usr/$1")" = "$2" ]
}
install_by() {
	make -s -C "$tool_dir" "$1" OUT="$(dirname "$program")" \
		DESTDIR="$scratch_dir/root" PREFIX=/usr
}
check "make install" install_by install
check "the program" installed bin/kvm-prefault 755
check "the man page" installed share/man/man1/kvm-prefault.1 644
check "the completion, under the command's name" \
	installed share/bash-completion/completions/kvm-prefault 644
check "make uninstall" install_by uninstall
check "no file is left" test -z "$(find "$scratch_dir/root" -type f)"
done_testing
