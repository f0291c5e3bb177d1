# SPDX-License-Identifier: GPL-2.0
#
# Host programs that print KTAP.

UNIT_TESTS += test_kernels test_convolution test_kernel_pool
UNIT_TESTS_asan += test_kernels test_convolution
UNIT_TESTS_tsan += test_kernel_pool
UNIT_TESTS_arm64 += test_kernels test_convolution test_kernel_pool
test_kernels-y := tests/unit/test_kernels.c
test_kernels-libs := xqkernels
# Arm cores without dot products, and with them but without I8MM; the emulator's default has all.
UNIT_TESTS_arm64 += test_kernels_armv80 test_kernels_armv82
test_kernels_armv80-y := tests/unit/test_kernels.c
test_kernels_armv80-libs := xqkernels
test_kernels_armv80-env := QEMU_CPU=cortex-a53
test_kernels_armv82-y := tests/unit/test_kernels.c
test_kernels_armv82-libs := xqkernels
test_kernels_armv82-env := QEMU_CPU=neoverse-n1
test_convolution-y := tests/unit/test_convolution.c
test_convolution-libs := xqkernels
UNIT_TESTS_arm64 += test_convolution_armv80 test_convolution_armv82
test_convolution_armv80-y := tests/unit/test_convolution.c
test_convolution_armv80-libs := xqkernels
test_convolution_armv80-env := QEMU_CPU=cortex-a53
test_convolution_armv82-y := tests/unit/test_convolution.c
test_convolution_armv82-libs := xqkernels
test_convolution_armv82-env := QEMU_CPU=neoverse-n1
test_kernel_pool-y := tests/unit/test_kernel_pool.c
test_kernel_pool-libs := xqkernels

# What is not a product: each kind against a naive reference, on every instruction set.
XQ_KERNEL_TESTS := test_epilogue test_fused test_pooling test_elementwise test_copy
UNIT_TESTS += $(XQ_KERNEL_TESTS)
UNIT_TESTS_asan += $(XQ_KERNEL_TESTS)
UNIT_TESTS_arm64 += $(XQ_KERNEL_TESTS)
$(foreach t,$(XQ_KERNEL_TESTS),$(eval $(t)-y := tests/unit/$(t).c) $(eval $(t)-libs := xqaccel))

NUMERICS_TESTS := test_seed_numbers test_quantize test_calibrate test_codebook test_binary \
	test_blockfloat test_float_formats test_reconstruct test_least_error
UNIT_TESTS += $(NUMERICS_TESTS)
UNIT_TESTS_asan += $(NUMERICS_TESTS)
UNIT_TESTS_arm64 += $(NUMERICS_TESTS)
$(foreach t,$(NUMERICS_TESTS),$(eval $(t)-y := tests/unit/$(t).c) $(eval $(t)-libs := xqaccel))

# ---- the device model behind its registers ---------------------------------------------------------

test_device-ldlibs := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc
XQ_DEVICE_TESTS := test_device test_device_ahead test_device_conv test_device_errors test_device_operators \
	test_device_program test_device_stops test_device_interrupts test_device_recovery
$(foreach t,$(XQ_DEVICE_TESTS),$(eval $(t)-y := $(addprefix tests/unit/,$(t).c device_job.c fake_host.c)) \
	$(eval $(t)-libs := xqdevice))
$(foreach t,test_device_program test_device_stops test_device_interrupts,\
	$(eval $(t)-y += tests/unit/program_case.c))
UNIT_TESTS += $(XQ_DEVICE_TESTS)
UNIT_TESTS_asan += $(XQ_DEVICE_TESTS)
UNIT_TESTS_tsan += $(XQ_DEVICE_TESTS)
UNIT_TESTS_arm64 += test_device

# ---- operators -------------------------------------------------------------------------------------

XQ_OPERATOR_TESTS := test_requantize test_convert test_conv test_operators test_groups
UNIT_TESTS += $(XQ_OPERATOR_TESTS)
UNIT_TESTS_asan += $(XQ_OPERATOR_TESTS)
UNIT_TESTS_arm64 += $(XQ_OPERATOR_TESTS)
$(foreach t,$(XQ_OPERATOR_TESTS),$(eval $(t)-y := tests/unit/$(t).c) $(eval $(t)-libs := xqaccel))
test_conv-timeout := 300
test_groups-timeout := 300
GUEST_TESTS += test_conv test_groups test_job

CHECK_SCRIPTS += tests/unit/test_xq_data.py tests/unit/test_xq_operators.py tests/unit/test_xq_convert.py tests/unit/test_xq_resnet8.py
CHECK_DEPS += $(O)/obj/bin/xq $(O)/asan/bin/xq
test_xq_data.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_xq_operators.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_xq_convert.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
CHECK_SCRIPTS += tests/unit/test_xq_convert_types.py tests/unit/test_xq_calibration.py
test_xq_convert_types.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_xq_calibration.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_xq_resnet8.py-args = $(O)/obj/bin/xq
test_xq_resnet8.py-timeout := 1800
CHECK_SCRIPTS += tests/unit/test_onnx_fused.py tests/unit/test_onnx_branches.py \
	tests/unit/test_onnx_recurrent.py tests/unit/test_onnx_convolutions.py tests/unit/test_onnx_integers.py
CHECK_SCRIPTS += tests/unit/test_onnx_loops.py tests/unit/test_onnx_transpositions.py tests/unit/test_model_sizes.py \
	tests/unit/test_model_scales.py tests/unit/test_model_memory.py
CHECK_SCRIPTS += tests/unit/test_onnx_transformers.py tests/unit/test_tflite_plain.py tests/unit/test_onnx_qlinear.py
test_onnx_qlinear.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_tflite_plain.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_onnx_transformers.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_model_memory.py-args = $(O)/obj/bin/xq
test_model_memory.py-timeout := 600
test_model_scales.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_model_sizes.py-args = $(O)/obj/bin/xq
test_model_sizes.py-timeout := 600
test_onnx_transpositions.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_onnx_loops.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_onnx_integers.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_onnx_convolutions.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_onnx_recurrent.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_onnx_branches.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_onnx_fused.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq

# ---- the library -----------------------------------------------------------------------------------

XQ_LIBRARY_TESTS := test_pack test_soft test_soft_jobs test_shared test_eventfd test_job test_program test_program_flow test_ioctl test_matmul
$(foreach t,$(XQ_LIBRARY_TESTS),$(eval $(t)-y := tests/unit/$(t).c) $(eval $(t)-libs := xqaccel))
test_soft-y += tests/unit/queue_case.c
test_soft_jobs-y += tests/unit/queue_case.c
test_program-y += tests/unit/queue_case.c
UNIT_TESTS += $(XQ_LIBRARY_TESTS)
UNIT_TESTS_asan += $(XQ_LIBRARY_TESTS)
UNIT_TESTS_tsan += test_soft test_soft_jobs test_eventfd test_program
UNIT_TESTS_arm64 += test_pack test_soft_jobs

# A queue's ring, where there is liburing.
ifneq ($(filter obj,$(XQ_URING_VARIANTS)),)
UNIT_TESTS += test_ring_engine
UNIT_TESTS_asan += $(if $(filter asan,$(XQ_URING_VARIANTS)),test_ring_engine)
test_ring_engine-y := tests/unit/test_ring_engine.c
test_ring_engine-libs := xqaccel
test_ring_engine-ldlibs := -Wl,--wrap=io_uring_submit,--wrap=io_uring_queue_init_params
endif

# The plugin for ggml: its threads.
UNIT_TESTS += test_ggml_pool
UNIT_TESTS_asan += test_ggml_pool
UNIT_TESTS_tsan += test_ggml_pool
test_ggml_pool-y := tests/unit/test_ggml_pool.c libxqaccel/ggml/pool.c libxqaccel/src/ops/parallel.c

UNIT_TESTS += test_npy
UNIT_TESTS_asan += test_npy
test_npy-y := tests/unit/test_npy.c $(XQ_NPY_SOURCES)
test_npy-libs := xqaccel

UNIT_TESTS += test_tensor_file
UNIT_TESTS_asan += test_tensor_file
test_tensor_file-y := tests/unit/test_tensor_file.c $(XQ_TENSOR_FILE_SOURCES)
test_tensor_file-libs := xqaccel
test_tensor_file-ldlibs := $(XQ_TENSOR_FILE_LDLIBS)

# Networks, on the software device here and on /dev/xqaccel0 in the guest.
XQ_NETWORK_TESTS := test_network test_network_calls test_network_errors
UNIT_TESTS += $(XQ_NETWORK_TESTS)
UNIT_TESTS_asan += $(XQ_NETWORK_TESTS)
UNIT_TESTS_tsan += test_network_calls
GUEST_TESTS += $(XQ_NETWORK_TESTS)
XQ_NETWORK_CASE := $(addprefix tests/unit/,network_case.c network_values.c network_products.c network_grouped.c \
	network_operators.c network_moves.c network_reference.c)
test_network-y := tests/unit/test_network.c $(XQ_NETWORK_CASE)
test_network_calls-y := tests/unit/test_network_calls.c $(XQ_NETWORK_CASE)
test_network_errors-y := tests/unit/test_network_errors.c
$(foreach t,$(XQ_NETWORK_TESTS),$(eval $(t)-libs := xqaccel) $(eval $(t)-timeout := 300))
$(foreach f,reference grouped,$(eval CFLAGS-tests/unit/network_$(f).c := -ffp-contract=off))

# Models from files: operators against a reference, and files that are wrong.
CHECK_SCRIPTS += tests/unit/test_tflite.py tests/unit/test_xq_run.py
test_tflite.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
test_xq_run.py-args = $(O)/obj/bin/xq $(O)/asan/bin/xq
# Seeds of the fuzzers through what these do, cut off and changed.
XQ_COUNT_MEMORY := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
UNIT_TESTS_asan += test_tflite_files test_onnx_files
test_tflite_files-y := tests/unit/test_model_files.c tests/fuzz/model_case.c tests/fuzz/fuzz_tflite.c
test_onnx_files-y := tests/unit/test_model_files.c tests/fuzz/model_case.c tests/fuzz/fuzz_onnx.c
$(foreach t,test_tflite_files test_onnx_files,$(eval $(t)-libs := xqaccel) $(eval $(t)-ldlibs := $(XQ_COUNT_MEMORY)))
test_tflite_files-env := XQ_MODEL_FILES=tests/fuzz/corpus/fuzz_tflite
test_onnx_files-env = XQ_MODEL_FILES=$(fuzz_onnx-seeds)
CHECK_SCRIPTS += tests/fuzz/test_onnx_seeds.py
test_onnx_seeds.py-args = libxqaccel/src/model/onnx/kinds.c $(fuzz_onnx-seeds)
CHECK_DEPS += $(O)/fuzz/seeds/fuzz_onnx.made

# The same in QEMU, without a guest.
CHECK_SCRIPTS += tests/qemu/test_qemu_device.py
test_qemu_device.py-args = $(QEMU)

UNIT_TESTS += test_whole_model
test_whole_model-y := tests/unit/test_whole_model.c $(addprefix tests/lab/,model.c images.c infer.c convolution.c product.c parallel.c) \
	$(XQ_NPY_SOURCES)
test_whole_model-libs := xqaccel

CHECK_SCRIPTS += tests/unit/test_install.sh tests/unit/test_xq.sh tests/unit/test_xq_completion.py
XQ_COMMAND_TESTS := test_xq_words.py test_xq_show.py test_xq_compare.py test_xq_pack.py test_xq_bench.py test_xq_messages.py \
	test_xq_outputs.py test_xq_dequantize.py test_xq_quantize.py test_xq_products.py
CHECK_SCRIPTS += $(addprefix tests/unit/,$(XQ_COMMAND_TESTS))
CHECK_DEPS += $(LIB_TARGETS) $(O)/obj/bin/xq
test_install.sh-env := O=$(O)
test_xq.sh-env := O=$(O)
test_xq_completion.py-args = $(O)/obj/bin/xq libxqaccel/tools/xq-completion.bash
$(foreach t,$(XQ_COMMAND_TESTS),$(eval $(t)-args = $(O)/obj/bin/xq $(O)/asan/bin/xq))

CHECK_SCRIPTS += tests/unit/test_quickstart.py
test_quickstart.py-args = $(O)/obj/bin/xq

# Products of real numbers on the processor, which reads past no row.
UNIT_TESTS += test_sgemm
UNIT_TESTS_asan += test_sgemm
test_sgemm-y := tests/unit/test_sgemm.c
test_sgemm-libs := xqaccel
CFLAGS-tests/unit/test_sgemm.c := -ffp-contract=off

# ONNX files: models made in memory, under the sanitizers, too.
UNIT_TESTS += test_onnx test_onnx_quantized
UNIT_TESTS_asan += test_onnx test_onnx_quantized
$(foreach t,test_onnx test_onnx_quantized,$(eval $(t)-y := tests/unit/$(t).c tests/unit/onnx_model.c) $(eval $(t)-libs := xqaccel))
$(foreach f,test_onnx test_onnx_quantized onnx_model,$(eval CFLAGS-tests/unit/$(f).c := -iquote $(dir $(XQ_ONNX_PROTO))))
$(foreach v,$(XQ_ONNX_VARIANTS),$(patsubst %,$(O)/$(v)/tests/unit/%.o,test_onnx test_onnx_quantized onnx_model)): | $(XQ_ONNX_PROTO).h
