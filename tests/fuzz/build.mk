# SPDX-License-Identifier: MIT
#
# libFuzzer programs.

FUZZERS += fuzz_device
fuzz_device-y := tests/fuzz/fuzz_device.c
fuzz_device-libs := xqdevice
