#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-peers.sh: prints the folder of the libraries that the benchmark compares with: oneDNN, XNNPACK and OpenBLAS
# of the newest Debian release, unpacked and not installed, with the C library that they were built for:
#	root/		the unpacked packages	versions	a package and its version on each line
# Programs run under root's own loader, because this system's C library may be too old for them.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
release=trixie

# The newest package whose name is $1 with a version in it.
versioned() {
	"$here/private-apt.sh" "$release" apt-cache pkgnames "$1" | grep -E "^$1\.?[0-9][0-9.]*$" | sort -V | tail -n 1
}

fetch_peers() {
	local package packages
	echo "  FETCH   oneDNN, XNNPACK, OpenBLAS ($release)"
	packages="$(versioned libdnnl) libdnnl-dev $(versioned libxnnpack0) libxnnpack-dev libpthreadpool0 libpthreadpool-dev
		libcpuinfo0 libopenblas0-serial libgfortran5 libgomp1 libstdc++6 libgcc-s1 libc6"
	# shellcheck disable=SC2086
	unpack_debs "$release" root $packages
	for package in $packages; do
		echo "$package $(candidate_field "$release" "$package" Version)"
	done >versions
	rm -rf root/usr/share root/usr/lib/x86_64-linux-gnu/*.a
}

cached "peers-$release" fetch_peers
