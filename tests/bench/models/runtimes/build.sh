#!/bin/bash
# SPDX-License-Identifier: MIT
#
# build.sh FOLDER: fetches the other runtimes and compiles their process, FOLDER/server.sh; FOLDER/fetched is where one is.
# If they can't be had, FOLDER/missing says why, and the benchmark goes on without.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
folder=$1
mkdir -p "$folder"
rm -f "$folder"/{server,server.sh,versions,missing}

if [ "$(uname -m)" != x86_64 ] || ! command -v node npm >/dev/null; then
	echo "the runtimes are fetched for x86-64 only, with node and npm" >"$folder/missing"
	exit 0
fi
if ! fetched=$("$here/../../../setup/fetch-tflite.sh" 2>"$folder/fetch.log") ||
   ! onnxruntime=$("$here/../../../setup/fetch-onnxruntime.sh" 2>>"$folder/fetch.log"); then
	echo "the packages could not be fetched, see $folder/fetch.log" >"$folder/missing"
	cat "$folder/fetch.log" >&2
	exit 0
fi
ln -sfn "$fetched" "$folder/fetched"
root=$fetched/root
libraries=$root/usr/lib/x86_64-linux-gnu
soname=$(basename "$(find "$libraries" -name 'libtensorflow-lite.so.*' | sort -V | head -n 1)")

${CC:-gcc} -std=gnu11 -O2 -Wall -Wextra -isystem "$root/usr/include" -DTFLITE_SONAME="\"$soname\"" \
	-DONNXRUNTIME_PATH="\"$onnxruntime/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1\"" \
	-o "$folder/server" "$here"/*.c -ldl
printf '%s\n' '#!/bin/sh' \
	"exec '$libraries/ld-linux-x86-64.so.2' --library-path '$libraries' '$folder/server' \"\$@\"" >"$folder/server.sh"
chmod +x "$folder/server.sh"
{
	cat "$fetched/versions"
	sed -n 's/.*"version": "\(.*\)".*/onnxruntime-node \1/p' "$onnxruntime/onnxruntime-node/package.json"
} >"$folder/versions"
