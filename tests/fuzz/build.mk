# SPDX-License-Identifier: MIT
#
# libFuzzer programs.

FUZZERS += fuzz_device
fuzz_device-y := tests/fuzz/fuzz_device.c
fuzz_device-libs := xqdevice

FUZZERS += fuzz_convert
fuzz_convert-y := tests/fuzz/fuzz_convert.c
fuzz_convert-libs := xqaccel
