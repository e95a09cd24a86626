# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The project's code on top of the kernel's source: the files that the series
# of patches touches, and those of its own.  Source it after common.sh, with
#   pristine=  the kernel's source, with nothing of the project in it
#   work=      a directory for stage/, manifest and patch.log

patches=$TOP/kernel/patches/$KERNEL_SERIES
stage=${work:?}/stage
: "${pristine:?}"

series()
{
	[ -e "$patches/series" ] || return 0
	sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' \
		-e 's/[[:space:]].*//' "$patches/series"
}

# The files that the series changes or adds.
touched()
{
	local name

	series | while read -r name; do
		sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' "$patches/$name"
	done | sort -u
}

# The project's own files, as paths in the kernel tree.
own_files()
{
	(cd "$TOP/kernel" && find arch include virt -type f -name '*.[chS]')
	(cd "$TOP" && find include/uapi -type f -name '*.h')
}

own_file()
{
	case $1 in
	include/uapi/*)	printf '%s\n' "$TOP/$1" ;;
	*)		printf '%s\n' "$TOP/kernel/$1" ;;
	esac
}

# inputs_id FILE...: one checksum over all that the patched files are made
# from, and FILEs
inputs_id()
{
	local name

	{
		cat "$pristine/.unpacked" "$TOP/kernel/build/series.sh" "$@"
		own_files
		series
		series | while read -r name; do
			[ -e "$patches/$name" ] || die \
			    "kernel/patches/$KERNEL_SERIES/series names" \
			    "$name, which does not exist"
			cat "$patches/$name"
		done
	} | sha256sum
}

# apply_series RELEASE: copies what the series touches, if stage/ does not
# have it yet, and applies it there.
apply_series()
{
	local file name log=$work/patch.log

	touched | while read -r file; do
		if [ -e "$pristine/$file" ] && [ ! -e "$stage/$file" ]; then
			mkdir -p "$stage/$(dirname "$file")"
			cp -a "$pristine/$file" "$stage/$file"
		fi
	done
	own_files | while read -r file; do
		[ ! -e "$pristine/$file" ] ||
			die "kernel $1 already has $file: rename ours"
	done

	# -F0 and no rejects: where the kernel has moved on, stop and say so
	# instead of putting a hunk at a place nobody has looked at.
	series | while read -r name; do
		if ! patch -d "$stage" -p1 -F0 -N --no-backup-if-mismatch \
				-r - <"$patches/$name" >"$log" 2>&1; then
			cat "$log" >&2
			die "kernel/patches/$KERNEL_SERIES/$name does not" \
			    "apply to the source of $1" \
			    "($(package_version \
				"linux-source-$KERNEL_SERIES")):" \
			    "refresh the patch for this version"
		fi
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
