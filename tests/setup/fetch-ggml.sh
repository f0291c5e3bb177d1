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
	echo "  FETCH   ggml ($release)"
	unpack_and_list "$release" libggml0 libggml-dev
	rm -rf root/usr/share
}

cached "ggml-$release" fetch_ggml
