#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-busybox.sh ARCHITECTURE: prints the path of Debian's static busybox of another architecture (arm64), for guests.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
. /etc/os-release
export XQ_APT_ARCH=$1
# shellcheck disable=SC2034 # read by cached.sh
cache_words=$1

fetch_busybox() {
	echo "  FETCH   busybox ($XQ_APT_ARCH)"
	unpack_debs "$VERSION_CODENAME" . busybox-static
	find . -type f -name busybox -exec mv {} busybox.new \;
	find . -mindepth 1 -maxdepth 1 ! -name busybox.new -exec rm -r {} +
	mv busybox.new busybox
}

folder=$(cached "busybox-$1" fetch_busybox)
echo "$folder/busybox"
