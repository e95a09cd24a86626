# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The project's code on top of the kernel's source: patches to the files of the
# kernel, and the files that each of them adds.  Source it after common.sh, with
#   pristine=  the kernel's source, with nothing of the project in it
#   work=      a directory for stage/, manifest and patch.log
# Environment: NR_PATCHES takes so many patches alone, the first ones; with
# WHOLE_KERNEL=1, those of series.whole-kernel come after those of series.

patches=$TOP/kernel/patches/$KERNEL_SERIES
# What differs between kernel versions, beside the patches.
compat=$TOP/kernel/compat/$KERNEL_SERIES
stage=${work:?}/stage
: "${pristine:?}"

# Those that change structures of the kernel are for a kernel that is built as a
# whole: modules for the distribution's go without.
series()
{
	local lists=("$patches/series")

	[ -e "$patches/series" ] || return 0
	[ -z "${WHOLE_KERNEL:-}" ] || lists+=("$patches/series.whole-kernel")
	sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' \
		-e 's/[[:space:]].*//' "${lists[@]}" |
		head -n "${NR_PATCHES:-1000}"
}

# The files of the project that come with patch $1, as paths in the kernel tree.
added_by()
{
	sed -n -e 's/^Adds: //p' -e '/^diff /q' "$patches/$1"
}

own_files()
{
	local name

	series | while read -r name; do
		added_by "$name"
	done
}

# All that there are, whichever patch has them.
files_in_project()
{
	(cd "$TOP/kernel" && find arch include virt -type f -name '*.[chS]')
	(cd "$compat" && find . -type f -name '*.h' -printf '%P\n')
	# Tests are written for the library that a version has.
	[ -z "${WHOLE_KERNEL:-}" ] ||
		(cd "$compat" && find . -type f -name '*_test.c' -printf '%P\n')
	(cd "$TOP" && find include/uapi -type f -name '*.h')
}

# Each file of the project comes with one patch.
check_added()
{
	local differ

	[ -z "${NR_PATCHES:-}" ] || return 0
	differ=$(diff <(files_in_project | sort) <(own_files | sort)) ||
		die "kernel/patches/$KERNEL_SERIES has to name each file of the" \
		    "project in a line 'Adds: PATH' of one patch:" $differ
}

# The files that the series changes or adds.
touched()
{
	local name

	series | while read -r name; do
		sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' "$patches/$name"
	done | sort -u
}

# Where the project has the file of that path in the kernel tree.
own_file()
{
	local dir

	for dir in "$TOP/kernel" "$compat" "$TOP"; do
		if [ -e "$dir/$1" ]; then
			printf '%s\n' "$dir/$1"
			return
		fi
	done
}

# inputs_id FILE...: one checksum over all that the patched files are made
# from, and FILEs
inputs_id()
{
	local name

	{
		cat "$pristine/.unpacked" "$TOP/kernel/build/series.sh" "$@"
		files_in_project
		series
		series | while read -r name; do
			[ -e "$patches/$name" ] || die \
			    "kernel/patches/$KERNEL_SERIES/series names" \
			    "$name, which does not exist"
			cat "$patches/$name"
		done
	} | sha256sum
}

# Copies what the series touches, if stage/ does not have it yet.
copy_touched()
{
	local file

	touched | while read -r file; do
		if [ -e "$pristine/$file" ] && [ ! -e "$stage/$file" ]; then
			mkdir -p "$stage/$(dirname "$file")"
			cp -a "$pristine/$file" "$stage/$file"
		fi
	done
}

# apply_patch RELEASE NAME: -F0 and no rejects: where the kernel has moved on, stop
# and say so instead of putting a hunk at a place nobody has looked at.  A patch may have
# no hunk, and only add files.
apply_patch()
{
	local log=$work/patch.log

	grep -q '^diff ' "$patches/$2" || return 0
	patch -d "$stage" -p1 -F0 -N --no-backup-if-mismatch -r - \
		<"$patches/$2" >"$log" 2>&1 && return 0
	cat "$log" >&2
	die "kernel/patches/$KERNEL_SERIES/$2 does not apply to the source of $1" \
	    "($(package_version "linux-source-$KERNEL_SERIES")):" \
	    "refresh the patch for this version"
}

# apply_series RELEASE: all of it, to stage/
apply_series()
{
	local file name

	check_added
	copy_touched
	own_files | while read -r file; do
		[ ! -e "$pristine/$file" ] ||
			die "kernel $1 already has $file: rename ours"
	done
	series | while read -r name; do
		apply_patch "$1" "$name"
	done
}

# sync_stage TREE: brings TREE to what stage/ and the project's files hold,
# and what they held before but no longer do back to what the kernel has.
sync_stage()
{
	local file tree=$1

	own_files | while read -r file; do
		copy_if_changed "$(own_file "$file")" "$stage/$file"
	done
	(cd "$stage" && find . -type f) | sort >"$work/manifest.new"
	if [ -e "$work/manifest" ]; then
		comm -23 "$work/manifest" "$work/manifest.new" |
			while read -r file; do
				if [ -e "$pristine/$file" ]; then
					copy_if_changed "$pristine/$file" \
						"$tree/$file"
				else
					rm -f "$tree/$file"
				fi
			done
	fi
	while read -r file; do
		copy_if_changed "$stage/$file" "$tree/$file"
	done <"$work/manifest.new"
	mv "$work/manifest.new" "$work/manifest"
}
