#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh BUILD VECTORS ARGUMENT...: makes the networks of the table that no file has, once, and measures; BENCH_MODELS instead of the
# table, if it is set.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
build=$1 vectors=$2
shift 2
xq=$build/obj/bin/xq folder=$build/bench/models
mkdir -p "$folder"

# quantized NAME FLOAT CALIBRATION: 8 bits by xq convert.
quantized() {
	[ -e "$folder/$1" ] || "$xq" convert "$2" -o "$folder/$1" --calibrate "$3" --device soft >/dev/null
}

if [ -z "${BENCH_MODELS:-}" ]; then
	make() {
		local to=$folder/$1
		shift
		[ -e "$to" ] || "$here/make_models.py" "${@/TO/$to}"
	}
	make mobilenet_v2.onnx mobilenet TO
	make images.npy rows TO 2 3 224 224
	quantized mobilenet_v2_int8.onnx "$folder/mobilenet_v2.onnx" "$folder/images.npy"
	BENCH_MODELS="$folder/mobilenet_v2_int8.onnx $folder/mobilenet_v2.onnx"
	if [ -d "$vectors/models" ]; then
		make resnet8.onnx resnet8 "$vectors/models/float/pretrainedResnet" TO
		make pictures.npy rows TO 8 32 32 3
		make digits.npy rows TO 8 1 28 28
		quantized resnet8_int8.onnx "$folder/resnet8.onnx" "$folder/pictures.npy"
		quantized mnist-8_int8.onnx "$vectors/models/float/mnist-8.onnx" "$folder/digits.npy"
		BENCH_MODELS="$(ls "$vectors"/models/tflite/*.tflite) $folder/mnist-8_int8.onnx $vectors/models/float/mnist-8.onnx
			$folder/resnet8_int8.onnx $folder/resnet8.onnx $BENCH_MODELS"
	fi
	if silero=$("$here/../../setup/fetch-silero.sh" 2>/dev/null); then
		BENCH_MODELS+=" $silero/silero_vad_v5.onnx:1x576:2x1x128:-"
	fi
fi
# shellcheck disable=SC2086
exec "$build/obj/bin/bench-models" -p "$build/bench/runtimes" "$@" $BENCH_MODELS
