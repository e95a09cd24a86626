# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernel's source for modules that dkms builds.  Source it after
# kernel/build/common.sh.

# Below it a directory for each version.  A kernel stays installed for long after
# linux-source has gone on to the next version.
KEPT_SOURCES=/var/lib/kvm-map-memory/source

# Its packages are named so that one is there at a time.
image_version()
{
	local version

	version=$(package_version "linux-image-$1")
	echo "${version:-$(package_version "linux-image-$1-unsigned")}"
}

# reason_against RELEASE: why no modules are built for it, in a line, or nothing
reason_against()
{
	local release=$1 config=/lib/modules/$1/build/.config headers image source

	if [[ $release != "$KERNEL_SERIES".* ]]; then
		echo "it is not of the series $KERNEL_SERIES"
		return
	fi
	headers=$(package_version "linux-headers-$release")
	if [ -z "$headers" ] || [ ! -e "$config" ]; then
		echo "its headers are missing, install linux-headers-$release"
		return
	fi
	image=$(image_version "$release")
	if [ -n "$image" ] && [ "$image" != "$headers" ]; then
		echo "its image is $image and its headers are $headers," \
			"install one version of both"
		return
	fi
	if ! grep -qx CONFIG_KVM=m "$config"; then
		echo "KVM is built in, or missing"
		return
	fi
	[ ! -e "$KEPT_SOURCES/$headers/.unpacked" ] || return 0
	source=$(package_version "linux-source-$KERNEL_SERIES")
	if [ "$source" != "$headers" ] || [ ! -e "$TARBALL" ]; then
		echo "its source is missing, run 'apt install --allow-downgrades" \
			"linux-source-$KERNEL_SERIES=$headers'"
	fi
}

# kept_source RELEASE: the directory with the source of its version
kept_source()
{
	local dir

	dir=$KEPT_SOURCES/$(package_version "linux-headers-$1")
	[ -e "$dir/.unpacked" ] ||
		dir=$("$TOP/kernel/build/unpack-source" --for-modules "$KEPT_SOURCES")
	printf '%s\n' "$dir"
}

# drop_sources: those of versions that no headers have any more
drop_sources()
{
	local dir

	for dir in "$KEPT_SOURCES"/*/; do
		[ -d "$dir" ] || continue
		dir=${dir%/}
		# shellcheck disable=SC2016
		dpkg-query -W -f '${db:Status-Status} ${Version}\n' \
			'linux-headers-*' 2>/dev/null |
			grep -vE '^(not-installed|config-files) ' |
			grep -qF " ${dir##*/}" || rm -rf "$dir"
	done
}
