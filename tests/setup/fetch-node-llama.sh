#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-node-llama.sh: prints the folder of node-llama-cpp's build of llama.cpp, an older one that runs on Debian 12:
#	bin/		libggml.so and libggml-base.so, backends of the CPU, libllama.so	version
# It comes from npm, whose client takes the registry from its own configuration; fails where there is no npm.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/cached.sh"
version=3.21.1

fetch_node_llama() {
	local name
	echo "  FETCH   node-llama-cpp $version"
	command -v npm >/dev/null || { echo "fetch-node-llama.sh: npm is not installed" >&2; return 1; }
	npm pack --silent "@node-llama-cpp/linux-x64@$version" >/dev/null
	tar xzf ./*.tgz package/bins/linux-x64
	mv package/bins/linux-x64 bin
	rm -r ./*.tgz package
	for name in bin/libggml.v*.so; do
		ln -s "${name##*/}" bin/libggml.so
	done
	echo "$version" >version
}

cached "node-llama-$version" fetch_node_llama
