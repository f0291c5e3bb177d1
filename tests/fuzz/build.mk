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
fuzz_npy-y := tests/fuzz/fuzz_npy.c libxqaccel/tools/npy.c libxqaccel/tools/tensor.c
fuzz_npy-libs := xqaccel

FUZZERS += fuzz_numerics
fuzz_numerics-y := tests/fuzz/fuzz_numerics.c
fuzz_numerics-libs := xqaccel
