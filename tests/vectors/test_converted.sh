#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test_converted.sh XQ: what xq convert makes of mnist-8 with 8 bits, in ONNX Runtime: the same integers, on images of MNIST. Prints
# KTAP; skipped without XQ_VECTORS, or where ONNX Runtime can't be fetched.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
xq=$(readlink -f "$1")
vectors=$(readlink -f "${XQ_VECTORS:-../shared}")
model=$vectors/models/float/mnist-8.onnx images=$vectors/datasets/mnist/t10k-images-idx3-ubyte.gz
echo "KTAP version 1"
skip() {
	echo 1..1
	echo "ok 1 models of integers in ONNX Runtime # SKIP $1"
	exit 0
}
for file in "$model" "$images"; do
	[ -e "$file" ] || skip "there is no $file"
done
if ! command -v node npm >/dev/null || ! "$here/../setup/fetch-onnxruntime.sh" >/dev/null 2>&1; then
	skip "ONNX Runtime could not be fetched (it needs node, npm and a registry)"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
PYTHONPATH=$here/../unit python3 - "$images" <<-'END'
	import gzip
	import sys
	from xq_case import save
	pixels = [float(v) for v in gzip.open(sys.argv[1]).read(16 + 60 * 784)[16:]]
	save("calibration.npy", "<f4", (50, 1, 28, 28), pixels[:50 * 784])
	for i in range(8):
	    save("image%d.npy" % i, "<f4", (1, 1, 28, 28), pixels[(50 + i) * 784:(51 + i) * 784])
END

number=0 failed=0
# convert_and_compare WORDS: not one element of 80 may differ.
convert_and_compare() {
	local line lines=0 equal=0

	number=$((number + 1))
	if "$xq" convert "$model" -o q.onnx --calibrate calibration.npy --device soft "$@" >/dev/null; then
		while read -r line; do
			echo "# $line"
			lines=$((lines + 1))
			[[ $line =~ \ 0\ of\ 10\ elements\ differ ]] && equal=$((equal + 1))
		done < <("$here/compare_onnxruntime.sh" "$xq" q.onnx image?.npy 2>&1)
	fi
	if [ "$lines" = 8 ] && [ "$equal" = 8 ]; then
		echo "ok $number mnist-8 $*"
	else
		echo "not ok $number mnist-8 $*"
		failed=1
	fi
}
echo 1..4
convert_and_compare --weights s8
convert_and_compare --weights s8 --activations s8
convert_and_compare --weights s8 --granularity tensor --method mse
convert_and_compare --weights s8 --round output
exit $failed
