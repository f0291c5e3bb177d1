#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-tflite.sh: prints the folder of TensorFlow Lite, which frames of whole models are compared with, as Debian's testing
# release has it, unpacked and not installed, with the C library that it was built for, and the headers of ONNX Runtime:
#	root/		the unpacked packages	versions	a package and its version on each line
# Programs run under root's own loader.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
release=forky

# The newest package whose name begins with $1 and has a version in it.
versioned() {
	"$here/private-apt.sh" "$release" apt-cache pkgnames "$1" | grep -E "^$1[0-9][0-9.]*$" | sort -V | tail -n 1
}

fetch_tflite() {
	local package packages
	echo "  FETCH   TensorFlow Lite ($release)"
	packages="$(versioned libtensorflow-lite) libtensorflow-lite-dev $(versioned libabsl) libonnxruntime-dev libfarmhash0
		libpthreadpool0 libcpuinfo0 libstdc++6 libgcc-s1 libc6"
	# shellcheck disable=SC2086
	unpack_debs "$release" root $packages
	for package in $packages; do
		echo "$package $(candidate_field "$release" "$package" Version)"
	done >versions
	rm -rf root/usr/share root/usr/lib/x86_64-linux-gnu/*.a
}

cached "tflite-$release" fetch_tflite
