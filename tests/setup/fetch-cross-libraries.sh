#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-cross-libraries.sh ARCHITECTURE: prints a folder with include/ and lib/ of the libraries of Debian that programs for
# another architecture (arm64) are built and run with, beside the C library that comes with their compiler.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
. /etc/os-release
export XQ_APT_ARCH=$1
# shellcheck disable=SC2034 # read by cached.sh
cache_words=$1

# behind PACKAGE: the library behind a -dev package, whose name has a number that releases differ in.
behind() {
	candidate_field "$VERSION_CODENAME" "$1" Depends | sed 's/[,|]/\n/g' |
		awk '$1 ~ /lib.*[0-9]/ && $1 !~ /-dev$/ && $1 !~ /^libc6/ { print $1 }'
}

fetch_libraries() {
	local package packages=()
	echo "  FETCH   libraries ($XQ_APT_ARCH)"
	"$here/private-apt.sh" "$VERSION_CODENAME" apt-cache stats >/dev/null
	for package in liburing-dev libprotobuf-c-dev zlib1g-dev; do
		mapfile -t -O ${#packages[@]} packages < <(echo "$package" && behind "$package")
	done
	unpack_debs "$VERSION_CODENAME" root "${packages[@]}"
	mkdir include lib
	cp -r root/usr/include/. include
	# zconf.h is a header of one architecture.
	find include -mindepth 1 -maxdepth 1 -name '*-linux-gnu' -exec cp -r {}/. include \; -exec rm -r {} +
	find root -name '*.so*' -exec cp -P {} lib \;
	find root -name '*.a' -exec cp {} lib \;
	# What names a library in another folder.
	find lib -type l -lname '/*' -exec sh -c 'ln -sf "$(basename "$(readlink "$1")")" "$1"' sh {} \;
	rm -r root
}

cached "cross-libraries-$1-$VERSION_CODENAME" fetch_libraries
