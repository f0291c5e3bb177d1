# SPDX-License-Identifier: MIT
#
# libFuzzer programs.

# The device model. Its seeds are made by a program, and tests/unit looks at what they reach.
FUZZERS += fuzz_device
XQ_FUZZ_DEVICE := $(addprefix tests/fuzz/,fuzz_device.c device_guest.c device_seeds.c)
XQ_FUZZ_DEVICE_LDLIBS := -Wl,--wrap=xqdev_program_open,--wrap=xqdev_job_ready,--wrap=xqdev_complete
fuzz_device-y := $(XQ_FUZZ_DEVICE) tests/fuzz/device_mutate.c
fuzz_device-libs := xqdevice
fuzz_device-ldlibs := $(XQ_FUZZ_DEVICE_LDLIBS)
UNIT_TESTS += test_fuzz_device
UNIT_TESTS_asan += test_fuzz_device
test_fuzz_device-y := tests/unit/test_fuzz_device.c $(XQ_FUZZ_DEVICE)
test_fuzz_device-libs := xqdevice
test_fuzz_device-ldlibs := $(XQ_FUZZ_DEVICE_LDLIBS)
fuzz_device-seeds := $(O)/fuzz/seeds/fuzz_device
run-fuzz-fuzz_device: $(fuzz_device-seeds)/00
PROGRAMS += write-device-seeds
write-device-seeds-y := tests/fuzz/write_device_seeds.c tests/fuzz/device_seeds.c
write-device-seeds-libs := xqkernels
$(fuzz_device-seeds)/00: $(O)/$(HOST_VARIANT)/bin/write-device-seeds
	$(Q)rm -rf $(@D)
	$(Q)mkdir -p $(@D)
	$(Q)$< $(@D)

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

# Readers make many small things: short stacks of where, little that is kept after it was freed, and no filling.
XQ_FUZZ_READER := ASAN_OPTIONS=malloc_context_size=4:quarantine_size_mb=16:max_malloc_fill_size=0
FUZZERS += fuzz_tflite
fuzz_tflite-env := $(XQ_FUZZ_READER)
fuzz_tflite-y := tests/fuzz/fuzz_tflite.c tests/fuzz/model_case.c
fuzz_tflite-libs := xqaccel

# Its seeds are made by a program, too; tests/unit puts them through the same.
FUZZERS += fuzz_onnx
fuzz_onnx-env := $(XQ_FUZZ_READER)
fuzz_onnx-y := tests/fuzz/fuzz_onnx.c tests/fuzz/model_case.c
fuzz_onnx-libs := xqaccel
fuzz_onnx-seeds := $(O)/fuzz/seeds/fuzz_onnx
run-fuzz-fuzz_onnx: $(fuzz_onnx-seeds).made
$(fuzz_onnx-seeds).made: tests/fuzz/write_onnx_seeds.py tests/unit/onnx_file.py
	$(Q)rm -rf $(fuzz_onnx-seeds)
	$(Q)mkdir -p $(fuzz_onnx-seeds)
	$(Q)python3 $< $(fuzz_onnx-seeds)
	$(Q)touch $@
