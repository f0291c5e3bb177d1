#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-onnxruntime.sh: prints a folder for NODE_PATH with ONNX Runtime for Node.js (113 MB), which networks are compared
# with. Needs node and npm.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
version=1.30.0

fetch_onnxruntime() {
	local package
	echo "  FETCH   onnxruntime-node $version"
	for package in onnxruntime-node onnxruntime-common; do
		npm pack --silent "$package@$version" >/dev/null
		mkdir "$package"
		tar -xzf "$package-$version.tgz" --strip-components=1 -C "$package"
		rm "$package-$version.tgz"
	done
	# Only what runs here, not what other systems and accelerators need.
	find onnxruntime-node/bin -mindepth 2 -maxdepth 2 ! -name linux -exec rm -rf {} +
}

cached onnxruntime fetch_onnxruntime
