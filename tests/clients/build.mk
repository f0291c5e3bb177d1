# SPDX-License-Identifier: GPL-2.0
#
# Programs that others wrote, on the device: ggml's own tests and ours through ggml's calls, in every version that can be had.

PROGRAMS += test-ggml-products test-ggml-operations test-ggml-loading
test-ggml-products-y := tests/clients/ggml_products.c tests/clients/ggml_calls.c
test-ggml-products-ldlibs := -ldl
test-ggml-operations-y := tests/clients/ggml_operations.c tests/clients/ggml_calls.c
test-ggml-operations-ldlibs := -ldl -lm
test-ggml-loading-y := tests/clients/ggml_loading.c tests/clients/ggml_calls.c
test-ggml-loading-ldlibs := -ldl -lm

CHECK_SCRIPTS += tests/clients/test_ggml.sh tests/clients/test_llama_failures.sh
CHECK_DEPS += $(XQ_GGML) $(addprefix $(O)/obj/bin/test-ggml-,products operations loading) \
	$(QEMU) $(O)/demo-6.12.cpio
