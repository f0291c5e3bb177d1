#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-ggml.sh: prints the folder of ggml, which the benchmark of groups compares with, as Debian's backports have it,
# unpacked and not installed:
#	root/		the unpacked packages	versions	a package and its version on each line
# Its libraries run with the C library that fetch-peers.sh gets.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
release=trixie-backports

fetch_ggml() {
	local package
	echo "  FETCH   ggml ($release)"
	unpack_debs "$release" root libggml0 libggml-dev
	for package in libggml0 libggml-dev; do
		echo "$package $(candidate_field "$release" "$package" Version)"
	done >versions
	rm -rf root/usr/share
}

cached "ggml-$release" fetch_ggml
