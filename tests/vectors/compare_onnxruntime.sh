#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# compare_onnxruntime.sh XQ MODEL.onnx INPUT.npy...: runs a network with xq on the software device and with ONNX Runtime, on
# one thread, and prints for each input how many elements differ, the largest difference, and the time of a run of ONNX Runtime.
# For a network with several inputs each INPUT is their files with commas between them.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
xq=$1 model=$2
shift 2
if ! command -v node npm >/dev/null || ! modules=$("$here/../setup/fetch-onnxruntime.sh" 2>/dev/null); then
	echo "SKIP: ONNX Runtime could not be fetched (it needs node, npm and a registry)"
	exit 0
fi
output=$(mktemp --suffix=.npy)
trap 'rm -f "$output"' EXIT
for input; do
	IFS=, read -ra files <<<"$input"
	words=()
	for file in "${files[@]}"; do
		words+=(--input "$file")
	done
	"$xq" run "$model" "${words[@]}" -o "$output" --device soft
	NODE_PATH=$modules node "$here/compare_onnxruntime.js" "$model" "$input" "$output"
done
