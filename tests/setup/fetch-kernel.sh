#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-kernel.sh 6.1|6.12: prints the folder of a Debian kernel, unpacked and not installed:
#	release		its name, as in uname -r
#	vmlinuz, modules/	the image, and what is /lib/modules/RELEASE on a system
#	build/		kbuild tree for out-of-tree modules: make -C FOLDER/build M=...
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
. /etc/os-release
series=$1

# Where a series is found. kbuild's programs must run with this system's glibc, so 6.12 comes from its own release.
case $series:$VERSION_CODENAME in
6.1:*) release=bookworm ;;
6.12:bookworm) release=bookworm-backports ;;
6.12:*) release=trixie ;;
*)
	echo "fetch-kernel.sh: no kernel $series (6.1 and 6.12 are known)" >&2
	exit 2
	;;
esac

fetch_kernel() {
	local image headers common kbuild name
	echo "  FETCH   Linux $series ($release)"
	image=$(candidate_field "$release" linux-image-amd64 Depends | awk '{ print $1 }')
	headers=$(candidate_field "$release" linux-headers-amd64 Depends | awk '{ print $1 }')
	name=${image#linux-image-}
	case $name in
	"$series".*) ;;
	*)
		echo "fetch-kernel.sh: $release has Linux $name, expected $series" >&2
		return 1
		;;
	esac
	common=$(candidate_field "$release" "$headers" Depends | grep -o 'linux-headers-[^ ,]*-common')
	kbuild=$(candidate_field "$release" "$headers" Depends | grep -o 'linux-kbuild-[^ ,]*')
	unpack_debs "$release" root "$image" "$headers" "$common" "$kbuild"

	echo "$name" >release
	mv "root/boot/vmlinuz-$name" vmlinuz
	if [ -d root/lib/modules ]; then mv "root/lib/modules/$name" modules; else mv "root/usr/lib/modules/$name" modules; fi
	list_dependencies "$name"
	fix_headers "$headers" "$common" "$kbuild"
	rm -rf root/boot root/usr/share
}

# modules.dep is made when a kernel is installed, and this one is not.
list_dependencies() {
	mkdir -p base/lib/modules
	ln -s "$PWD/modules" "base/lib/modules/$1"
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$PWD/base" "$1"
	rm -r base
}

# The headers name each other by absolute paths, and a compiler that need not be installed.
fix_headers() {
	local src=root/usr/src file
	ln -s "$src/$1" build
	for file in "$src/$1/Makefile" "$src/$1/.kernelvariables"; do
		[ ! -f "$file" ] || sed -i "s|/usr/src/$2|\$(dir \$(lastword \$(MAKEFILE_LIST)))../$2|" "$file"
	done
	sed -i 's|gcc-[0-9]*|gcc|g' "$src/$2/.kernelvariables" "$src/$1/.kernelvariables" 2>/dev/null || true
	find "$src" -type l | while read -r file; do
		case $(readlink "$file") in
		/usr/lib/linux-kbuild-*) ln -sfn "../../lib/$3/${file##*/}" "$file" ;;
		*/lib/linux-kbuild-*) ;;
		/*) echo "fetch-kernel.sh: unexpected link $file -> $(readlink "$file")" >&2 ;;
		esac
	done
}

cached "kernel/$series-$VERSION_CODENAME" fetch_kernel
