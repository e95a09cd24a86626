#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# quick: svm
# The description for syzkaller against the headers: constants, and layouts.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
description=$here/../kvm_map_memory.txt
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
tap_output=$scratch/output
# shellcheck source=../../tap.inc
. "$top/tools/tap.inc"

compiled()
{
	"${CC:-gcc}" -Wall -Werror -I"$top/include/uapi" "$@"
}

headers()
{
	echo '#include <stddef.h>'
	echo '#include <stdio.h>'
	echo '#include <sys/syscall.h>'
	sed -n 's/^include <uapi\/\(.*\)>$/#include <\1>/p' "$1"
}

# The words that a description uses: in capitals, in what is no comment and no call's own
# name; and the number of the system call.
used()
{
	{
		sed '/^#/d; s/^[a-z_]*\$[A-Z_]*(/(/' "$1" |
			grep -oE '\b(KVM|IORING)_[A-Z0-9_]+\b'
		echo __NR_ioctl
	} | LC_ALL=C sort -u
}

values()
{
	sed -n 's/^\([A-Z_a-z0-9]*\) = amd64:\([0-9]*\)$/\1 \2/p' "$1"
}

all_there()
{
	diff <(used "$1") <(values "$1.const" | cut -d ' ' -f 1)
}

# constants DESCRIPTION: those of its .const file are the headers'
constants()
{
	local name

	values "$1.const" >"$scratch/values"
	{
		headers "$1"
		echo 'int main(void) {'
		while read -r name _; do
			echo "printf(\"%s %llu\\n\", \"$name\"," \
				"(unsigned long long)$name);"
		done <"$scratch/values"
		echo '}'
	} >"$scratch/values.c"
	compiled -o "$scratch/print" "$scratch/values.c" || return 1
	"$scratch/print" >"$scratch/real" || return 1
	[ -s "$scratch/real" ] && diff "$scratch/values" "$scratch/real"
}

layouts()
{
	{
		headers "$1"
		awk -f "$here/layout.awk" "$1"
	} >"$scratch/layout.c"
	compiled -fsyntax-only "$scratch/layout.c"
}

# breaks CHECK FILE EXPRESSION: CHECK notices what sed's EXPRESSION does to FILE
breaks()
{
	cp "$description" "$description.const" "$scratch/"
	sed -i "$3" "$scratch/$2"
	! cmp -s "$scratch/$2" "$here/../$2" || return 1
	! "$1" "$scratch/kvm_map_memory.txt"
}

echo "TAP version 13"
check "constants: all that is used is there, and no more" all_there "$description"
check "constants: the headers' values" constants "$description"
check "structs: the headers' layouts" layouts "$description"
name=kvm_map_memory.txt
check "a wrong value is noticed" breaks constants $name.const \
	'/^KVM_MAP_MEMORY_BATCH /s/[0-9]*$/3229658864/'
check "a missing value is noticed" breaks all_there $name.const '/^KVM_CAP_/d'
check "a value that nothing uses is noticed" breaks all_there $name 's/KVM_MEMORY_MAPPING_READ, //'
check "a field of another size is noticed" breaks layouts $name \
	'/workers_used/s/int32/int64/'
check "a field elsewhere is noticed" breaks layouts $name '/\tfirst_undone/d'
check "a short array is noticed" breaks layouts $name 's/int64\], 8\]/int64], 7]/'
check "another SQE is noticed" breaks layouts $name '/^\tpad_cmd_op/d'
done_testing
