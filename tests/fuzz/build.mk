# SPDX-License-Identifier: MIT
#
# libFuzzer programs.

FUZZERS += fuzz_device
fuzz_device-y := tests/fuzz/fuzz_device.c
fuzz_device-libs := xqdevice

FUZZERS += fuzz_convert
fuzz_convert-y := tests/fuzz/fuzz_convert.c
fuzz_convert-libs := xqaccel

FUZZERS += fuzz_npy
fuzz_npy-y := tests/fuzz/fuzz_npy.c $(XQ_TENSOR_FILE_SOURCES)
fuzz_npy-libs := xqaccel
fuzz_npy-ldlibs := $(XQ_TENSOR_FILE_LDLIBS)

FUZZERS += fuzz_numerics
fuzz_numerics-y := tests/fuzz/fuzz_numerics.c
fuzz_numerics-libs := xqaccel

FUZZERS += fuzz_tflite
fuzz_tflite-y := tests/fuzz/fuzz_tflite.c tests/fuzz/model_case.c
fuzz_tflite-libs := xqaccel

FUZZERS += fuzz_onnx
fuzz_onnx-y := tests/fuzz/fuzz_onnx.c
fuzz_onnx-libs := xqaccel
