#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-onnx-testdata.sh: prints the folder of ONNX's backend tests (Debian's libonnx-testdata, of a release
# onnx.proto the library is built from), unpacked and not installed:
#	data/		node/, simple/, ...: a folder for each test with model.onnx and test_data_set_*/
#	versions	the package and its version
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
release=forky

fetch_testdata() {
	local found
	echo "  FETCH   libonnx-testdata ($release)"
	unpack_and_list "$release" libonnx-testdata
	found=$(find root -type d -name node -path '*/data/node' | head -n 1)
	mv "${found%/node}" data
	rm -rf root
}

cached "onnx-testdata-$release" fetch_testdata
