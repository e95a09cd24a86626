# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts that touch the kernel's packages share.  Source it.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Of those in kernel/patches/, by KERNEL=, which means other things elsewhere.
KERNEL_SERIES=6.12
[ ! -e "$TOP/kernel/patches/${KERNEL:-}/series" ] || KERNEL_SERIES=$KERNEL
TARBALL=/usr/src/linux-source-$KERNEL_SERIES.tar.xz
export TOP KERNEL_SERIES TARBALL

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Of what is unpacked: while a package is configured, those that it came with can
# still wait for that.
package_version()
{
	dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null |
		sed -nE 's/^(installed|unpacked|half-configured|triggers-[a-z]*) //p'
}

# The end of the metapackages' names: Debian 12 has a kernel of another series
# beside this one, Debian 13 has this one alone.
kernel_flavour()
{
	local version

	# shellcheck source=/dev/null
	version=$(. /etc/os-release && echo "${VERSION_ID:-}")
	case $version in
	12)	echo "$KERNEL_SERIES-amd64" ;;
	*)	echo amd64 ;;
	esac
}

# The release that the installed metapackage of the headers stands for.
default_release()
{
	local release package

	package=linux-headers-$(kernel_flavour)
	release=$(dpkg-query -W -f '${Depends}' "$package" 2>/dev/null |
		tr ',' '\n' |
		sed -n 's/^ *linux-headers-\([0-9][^ ]*\).*/\1/p')
	release=${release%%$'\n'*}
	[ -n "$release" ] ||
		die "$package is not installed: run 'make setup' as root"
	[[ $release = "$KERNEL_SERIES".* ]] ||
		die "$package stands for Linux $release, and this is for" \
		    "Linux $KERNEL_SERIES: install linux-image-, linux-headers-" \
		    "and linux-source- of a release of that series, and give" \
		    "RELEASE="
	printf '%s\n' "$release"
}

# Image, headers and source of different point releases would build modules
# that do not load, or that crash; the metapackages can pull such a mix.
check_versions()
{
	local release=$1 headers image source

	headers=$(package_version "linux-headers-$release")
	image=$(package_version "linux-image-$release")
	source=$(package_version "linux-source-$KERNEL_SERIES")

	[ -n "$headers" ] ||
		die "no headers of $release:" \
		    "apt-get install linux-headers-$release"
	[ -n "$image" ] ||
		die "no kernel image of $release:" \
		    "apt-get install linux-image-$release"
	[ -n "$source" ] && [ -e "$TARBALL" ] ||
		die "no kernel source:" \
		    "apt-get install linux-source-$KERNEL_SERIES"
	[ "$headers" = "$image" ] && [ "$headers" = "$source" ] && return 0
	die "packages of different kernel versions:
  linux-image-$release    $image
  linux-headers-$release  $headers
  linux-source-$KERNEL_SERIES    $source
Bring them to one version:
  apt-get update && apt-get install linux-image-$(kernel_flavour)" \
		"linux-headers-$(kernel_flavour) linux-source-$KERNEL_SERIES"
}

# Replace a file only where the content differs, so that make sees no change.
copy_if_changed()
{
	cmp -s "$1" "$2" && return 0
	mkdir -p "$(dirname "$2")"
	cp "$1" "$2.new" && mv "$2.new" "$2"
}

# checkpatch ARGUMENT...: that of the kernel's source
checkpatch()
{
	local status=0

	perl "$("$TOP/kernel/build/unpack-source")/scripts/checkpatch.pl" --no-tree \
		--strict --terse --show-types --no-summary "$@" || status=1
	# Its cache, which cannot be put anywhere else.
	rm -f .checkpatch-camelcase.*
	return $status
}
