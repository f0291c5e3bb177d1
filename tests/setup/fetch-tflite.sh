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

fetch_tflite() {
	local packages
	echo "  FETCH   TensorFlow Lite ($release)"
	packages="$(newest_named "$release" libtensorflow-lite) libtensorflow-lite-dev $(newest_named "$release" libabsl)
		libonnxruntime-dev libfarmhash0 libpthreadpool0 libcpuinfo0 libstdc++6 libgcc-s1 libc6"
	# shellcheck disable=SC2086
	unpack_and_list "$release" $packages
	rm -rf root/usr/share root/usr/lib/x86_64-linux-gnu/*.a
}

cached "tflite-$release" fetch_tflite
