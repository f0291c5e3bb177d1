#!/bin/bash
# SPDX-License-Identifier: MIT
#
# build.sh FOLDER: fetches the peers and compiles the peer process into FOLDER/peer, with FOLDER/peer.sh that starts
# it, FOLDER/versions, and FOLDER/fetched, where the peers are. If the packages can't be had, FOLDER/missing says why, and
# the benchmark goes on without.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
folder=$1
mkdir -p "$folder"
rm -f "$folder"/{peer,peer.sh,versions,missing}

if [ "$(uname -m)" != x86_64 ]; then
	echo "the peers are fetched for x86-64 only" >"$folder/missing"
	exit 0
fi
if ! fetched=$("$here/../../setup/fetch-peers.sh" 2>"$folder/fetch.log"); then
	echo "the packages could not be fetched, see $folder/fetch.log" >"$folder/missing"
	cat "$folder/fetch.log" >&2
	exit 0
fi
ln -sfn "$fetched" "$folder/fetched"
root=$fetched/root
ggml=()
if ggml_folder=$("$here/../../setup/fetch-ggml.sh" 2>>"$folder/fetch.log"); then
	ggml=(-isystem "$ggml_folder/root/usr/include" -DGGML_FOLDER="\"$ggml_folder/root\""
		-DGGML_VERSION_TEXT="\"$(head -n 1 "$ggml_folder/versions")\"")
fi
libraries=$root/usr/lib/x86_64-linux-gnu
soname() {
	basename "$(find "$libraries" -name "$1.so.*" | sort -V | head -n 1)"
}

${CC:-gcc} -std=gnu11 -O2 -Wall -Wextra -isystem "$root/usr/include" -DDNNL_SONAME="\"$(soname libdnnl)\"" \
	-DXNNPACK_SONAME="\"$(soname libXNNPACK)\"" "${ggml[@]}" -o "$folder/peer" "$here"/*.c -lm -ldl
printf '%s\n' '#!/bin/sh' "exec '$libraries/ld-linux-x86-64.so.2' \\" \
	"	--library-path '$libraries:$libraries/openblas-serial${ggml_folder:+:$ggml_folder/root/usr/lib/x86_64-linux-gnu}' '$folder/peer' \"\$@\"" >"$folder/peer.sh"
chmod +x "$folder/peer.sh"
cat "$fetched/versions" ${ggml_folder:+"$ggml_folder/versions"} >"$folder/versions"
