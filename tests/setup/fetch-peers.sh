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

fetch_peers() {
	local packages
	echo "  FETCH   oneDNN, XNNPACK, OpenBLAS ($release)"
	packages="$(newest_named "$release" libdnnl) libdnnl-dev $(newest_named "$release" libxnnpack0) libxnnpack-dev
		libpthreadpool0 libpthreadpool-dev libcpuinfo0 libopenblas0-serial libgfortran5 libgomp1 libstdc++6 libgcc-s1 libc6"
	# shellcheck disable=SC2086
	unpack_and_list "$release" $packages
	rm -rf root/usr/share root/usr/lib/x86_64-linux-gnu/*.a
}

cached "peers-$release" fetch_peers
