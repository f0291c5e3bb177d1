# SPDX-License-Identifier: GPL-2.0
#
# Cases of other projects, found through XQ_VECTORS: on the in-process device on the host, on
# /dev/xqaccel0 in the VM.

XQ_VECTOR_TESTS := test_vectors test_bnn test_models
UNIT_TESTS += $(XQ_VECTOR_TESTS)
GUEST_TESTS += $(XQ_VECTOR_TESTS)

XQ_VECTOR_COMMON := tests/vectors/support.c $(XQ_NPY_SOURCES)
test_vectors-y := $(addprefix tests/vectors/,vectors.c manifest.c onnx.c tflite.c ds_cnn.c dory.c) $(XQ_VECTOR_COMMON)
test_vectors-libs := xqaccel
test_vectors-timeout := 300
test_bnn-y := tests/vectors/bnn.c $(XQ_VECTOR_COMMON)
test_bnn-libs := xqaccel
test_bnn-timeout := 600
test_models-y := tests/vectors/models.c $(XQ_VECTOR_COMMON)
test_models-libs := xqaccel
test_models-timeout := 300

# The acceptance of the contract for `xq`, which XQ_VECTORS brings: the same lines on the software device and on the device
# in the VM.
ACCEPT := $(XQ_VECTORS)/acceptance/accept.py
SETS ?= cmsis dory models onnx random
# By Debian's interpreter, which has numpy.
acceptance: $(O)/obj/bin/xq $(QEMU) $(O)/image-$(KVER).cpio | $(O)/stamp/packages-check
	$(Q)[ -e $(ACCEPT) ] || { echo "make acceptance: XQ_VECTORS=$(XQ_VECTORS) has no acceptance/accept.py" >&2; exit 1; }
	$(Q)/usr/bin/python3 $(ACCEPT) --xq $(O)/obj/bin/xq --device soft $(SETS)
	$(Q)tests/vectors/xq_in_guest.sh -k $(KVER) -b $(O) sh -c 'exec /usr/bin/python3 $(ACCEPT) --xq "$$XQ" --device /dev/xqaccel0 $(SETS)'

# ONNX's own tests of operators, which are fetched.
PROGRAMS += $(if $(filter obj,$(XQ_ONNX_VARIANTS)),test_onnx_nodes)
test_onnx_nodes-y := $(addprefix tests/vectors/,onnx_nodes.c onnx_tensor.c) $(XQ_VECTOR_COMMON)
test_onnx_nodes-libs := xqaccel
CFLAGS-tests/vectors/onnx_tensor.c := -iquote $(dir $(XQ_ONNX_PROTO))
$(foreach v,$(XQ_ONNX_VARIANTS),$(O)/$(v)/tests/vectors/onnx_tensor.o): | $(XQ_ONNX_PROTO).h
CHECK_SCRIPTS += tests/vectors/test_onnx_nodes.sh
CHECK_DEPS += $(O)/obj/bin/test_onnx_nodes
test_onnx_nodes.sh-args = $(O)/obj/bin/test_onnx_nodes
CHECK_SCRIPTS += tests/vectors/test_silero.sh
test_silero.sh-args = $(O)/obj/bin/xq
CHECK_SCRIPTS += tests/vectors/test_converted.sh
test_converted.sh-args = $(O)/obj/bin/xq
