# SPDX-License-Identifier: MIT
#
# `make bench`: the table on the terminal, and gemm.md, gemm.json and roofline.svg in $(O)/bench.
# BENCH_ARGS are passed on, e.g. BENCH_ARGS='-r vector -s 4'.

BENCHES += bench-gemm
bench-gemm-y := $(addprefix tests/bench/,gemm.c rows.c measure.c job.c operand.c check.c peak.c \
	peer_client.c report.c roofline.c)
bench-gemm-libs := xqkernels

BENCH_PEERS := $(O)/bench/peers
BENCH_TARGETS += $(BENCH_PEERS)/stamp
$(BENCH_PEERS)/stamp: tests/setup/fetch-peers.sh tests/setup/fetch-ggml.sh $(wildcard tests/bench/peers/*) | $(PACKAGES)
	$(call say,PEERS,$(@D))
	$(Q)CC='$(CC)' tests/bench/peers/build.sh $(@D)
	$(Q)[ -e $(@D)/missing ] || touch $@

BENCH_RUN = $(O)/obj/bin/bench-gemm -o $(O)/bench -p $(BENCH_PEERS) $(BENCH_ARGS)

# Layers of networks, BENCH_CONV_ARGS='-r depthwise' for some.
BENCHES += bench-conv
bench-conv-y := $(addprefix tests/bench/,conv.c operand.c check.c peak.c peer_client.c)
bench-conv-libs := xqkernels
BENCH_RUN += && $(O)/obj/bin/bench-conv -p $(BENCH_PEERS) $(BENCH_CONV_ARGS)

# Groups with real scales, beside ggml.
BENCHES += bench-groups
bench-groups-y := $(addprefix tests/bench/,groups.c operand.c check.c peak.c peer_client.c)
bench-groups-libs := xqkernels
BENCH_RUN += && $(O)/obj/bin/bench-groups -p $(BENCH_PEERS)

# The pure functions on arrays, beside memcpy.
BENCHES += bench-numerics
bench-numerics-y := tests/bench/numerics.c
bench-numerics-libs := xqaccel
BENCH_RUN += && $(O)/obj/bin/bench-numerics

# What comes between products, beside memcpy.
BENCHES += bench-operators
bench-operators-y := tests/bench/operators.c
bench-operators-libs := xqkernels
BENCH_RUN += && $(O)/obj/bin/bench-operators

# What a job costs beside its arithmetic, on soft; `make bench-chain`: and in the VM.
BENCHES += bench-chain
bench-chain-y := tests/bench/chain.c
bench-chain-libs := xqaccel
BENCH_RUN += && $(O)/obj/bin/bench-chain
GUEST_BIN += $(O)/obj/bin/bench-chain

.PHONY: bench-chain
bench-chain: $(O)/obj/bin/bench-chain $(QEMU) $(O)/demo-$(KVER).cpio
	$(Q)$<
	$(Q)tests/vm/run --kernel $(KVER) --build $(O) --image demo $(VM_OPTIONS) --command 'bench-chain /dev/xqaccel0'

.PHONY: bench-doc
bench-doc:
	$(Q)tests/bench/document.py $(O)/bench Documentation

# `make bench-driver`: the way through the driver, in the VM, beside an NVMe disk of QEMU's. BENCH_DRIVER_ARGS='-r 5 -p d' for
# fewer rounds and some parts.
BENCH_DRIVER := tests/bench/driver
PROGRAMS += $(if $(filter obj,$(XQ_URING_VARIANTS)),bench-driver) bench-product
bench-driver-y := $(addprefix $(BENCH_DRIVER)/,disk.c import.c jobs.c main.c product.c ring_jobs.c small.c)
bench-driver-libs := xqkselftest
bench-driver-ldlibs := -luring
bench-product-y := $(BENCH_DRIVER)/alone.c
bench-product-libs := xqkernels

$(O)/bench/disk.img: $(BENCH_DRIVER)/disk.py
	$(Q)mkdir -p $(@D)
	$(Q)$< $@ 64

.PHONY: bench-driver
bench-driver: $(QEMU) $(O)/bench-$(KVER).cpio $(O)/bench/disk.img $(O)/obj/bin/bench-product
	$(Q)tests/vm/run --kernel $(KVER) --build $(O) --image bench --disk $(O)/bench/disk.img --timeout 1800 $(VM_OPTIONS) \
		--command 'bench-driver $(BENCH_DRIVER_ARGS)'

# `make bench-models`: frames of whole models on soft, beside TensorFlow Lite and ONNX Runtime. BENCH_MODELS='FILE[:SHAPE]...' for
# others, BENCH_MODELS_ARGS='-r 31' for more rounds.
BENCH_MODELS_PEERS := $(O)/bench/runtimes
PROGRAMS += bench-models
bench-models-y := tests/bench/models/main.c
bench-models-libs := xqaccel

$(BENCH_MODELS_PEERS)/stamp: tests/setup/fetch-tflite.sh tests/setup/fetch-onnxruntime.sh $(wildcard tests/bench/models/runtimes/*) \
		tests/bench/models/frame.h | $(PACKAGES)
	$(call say,PEERS,$(@D))
	$(Q)CC='$(CC)' tests/bench/models/runtimes/build.sh $(@D)
	$(Q)[ -e $(@D)/missing ] || touch $@

# `make bench-model-load`: memory at the peak, time to load. `make bench-models-vm`: frames on /dev/xqaccel0, in all and on the device.
PROGRAMS += bench-model-load
bench-model-load-y := tests/bench/models/load.c
bench-model-load-libs := xqaccel

$(O)/bench/models/%.onnx: tests/bench/models/make_models.py | $(PACKAGES)
	$(Q)mkdir -p $(@D)
	$(Q)$< $* $@

.PHONY: bench-model-load bench-models-vm
bench-model-load: $(O)/obj/bin/bench-model-load $(O)/bench/models/wide.onnx $(O)/bench/models/mobilenet.onnx
	$(Q)$< -l $(O)/bench/models/wide.onnx $(wildcard $(XQ_VECTORS)/models/tflite/*.tflite $(XQ_VECTORS)/models/float/mnist-8.onnx) \
		$(O)/bench/models/mobilenet.onnx

bench-models-vm: $(QEMU) $(O)/image-$(KVER).cpio
	$(Q)tests/vectors/xq_in_guest.sh -k $(KVER) -b $(abspath $(O)) \
		bash -c 'tests/bench/models/handing_over.py $$XQ $$XQ_VECTORS'

.PHONY: bench-models
bench-models: $(O)/obj/bin/bench-models $(O)/obj/bin/xq $(BENCH_MODELS_PEERS)/stamp
	$(Q)BENCH_MODELS='$(BENCH_MODELS)' tests/bench/models/run.sh $(O) $(XQ_VECTORS) $(BENCH_MODELS_ARGS)
