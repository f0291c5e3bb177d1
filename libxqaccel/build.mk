# SPDX-License-Identifier: MIT
#
# libxqaccel: the library (static and shared), the xq command, examples, manual pages.

XQ_LIB_VERSION := 1.0.0
XQ_LIB_MAJOR := 1
XQ_LIB_DIR := $(O)/lib
XQ_SHARED := $(XQ_LIB_DIR)/libxqaccel.so.$(XQ_LIB_VERSION)

# Every source below src/ belongs to the library. A file for one architecture is named *_x86.c or
# *_arm64.c, or is named after an instruction set.
XQ_LIB_SOURCES := $(sort $(wildcard $(addprefix libxqaccel/src/,*.c */*.c */*/*.c)))
XQ_LIB_X86 := $(filter %_x86.c %_avx2.c %_avx512.c,$(XQ_LIB_SOURCES))
XQ_LIB_ARM64 := $(filter %_arm64.c %_neon.c,$(XQ_LIB_SOURCES))

# ONNX files are read, and written, by code that protoc-c makes, for which a cross compiler may lack the library; then none are read.
XQ_ONNX_SOURCES := $(filter libxqaccel/src/model/onnx/% libxqaccel/src/model/convert/%,$(XQ_LIB_SOURCES))
XQ_ONNX_ABSENT := $(addprefix libxqaccel/src/model/,onnx/absent.c convert/absent.c)
XQ_ONNX_PROTO := $(O)/generated/onnx.pb-c
XQ_ONNX_VARIANTS := $(if $(CROSS),$(if $(filter libprotobuf-c,$(CROSS_LIBRARIES)),obj),$(foreach v,$(VARIANTS),$(if $(filter $(HOST_ARCH),$(or $(ARCH-$(v)),$(ARCH))),$(v))))

STATIC_LIBS += xqaccel
xqaccel-y := $(filter-out $(XQ_LIB_X86) $(XQ_LIB_ARM64) $(XQ_ONNX_SOURCES),$(XQ_LIB_SOURCES))
xqaccel-x86 := $(XQ_LIB_X86)
xqaccel-arm64 := $(XQ_LIB_ARM64)
xqaccel-$(ARCH) += $(if $(XQ_ONNX_VARIANTS),$(filter-out $(XQ_ONNX_ABSENT),$(XQ_ONNX_SOURCES)) $(XQ_ONNX_PROTO).c,$(XQ_ONNX_ABSENT))
$(if $(filter-out $(ARCH),arm64),$(eval xqaccel-arm64 += $(XQ_ONNX_ABSENT)))
xqaccel-libs := xqdevice
$(foreach v,$(XQ_ONNX_VARIANTS),$(eval xqaccel-ldlibs-$(v) := -Wl,--as-needed -lprotobuf-c -Wl,--no-as-needed))

$(XQ_ONNX_PROTO).c $(XQ_ONNX_PROTO).h &: | $(PACKAGES)
	$(call say,PROTO,$(XQ_ONNX_PROTO).c)
	$(Q)mkdir -p $(@D)
	$(Q)protoc-c --proto_path=/usr/include/onnx --c_out=$(dir $(XQ_ONNX_PROTO)) onnx.proto
$(foreach v,$(XQ_ONNX_VARIANTS),$(patsubst %.c,$(O)/$(v)/%.o,$(XQ_ONNX_SOURCES))): | $(XQ_ONNX_PROTO).h
$(foreach f,$(XQ_ONNX_SOURCES),$(eval CFLAGS-$(f) := -iquote $(dir $(XQ_ONNX_PROTO))))

$(foreach f,$(filter %_avx2.c,$(XQ_LIB_X86)),$(eval CFLAGS-$(f) := -mavx2))
$(foreach f,$(filter %_avx512.c,$(XQ_LIB_X86)),$(eval CFLAGS-$(f) := \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512))
# Loops over elements are worth vectors also where their number is not known.
$(foreach f,$(filter libxqaccel/src/model/cpu/%,$(XQ_LIB_SOURCES)),$(eval CFLAGS-$(f) += -O3))
# Floats give the same bits on every machine: no fused operations that were not written.
$(foreach f,$(XQ_LIB_SOURCES),$(eval CFLAGS-$(f) += -ffp-contract=off))
# Queues have rings where there is liburing.
XQ_URING_VARIANTS := $(if $(CROSS),$(if $(filter liburing,$(CROSS_LIBRARIES)),obj),$(XQ_ONNX_VARIANTS))
$(foreach v,$(XQ_URING_VARIANTS),$(eval xqaccel-ldlibs-$(v) += -Wl,--as-needed -luring -Wl,--no-as-needed) \
	$(eval CFLAGS-$(v)-libxqaccel/src/device/ring_engine.c := -DXQ_WITH_LIBURING))
# Loops over arrays that the compiler turns into vector code.
$(foreach f,quantize_c dequantize gram adaround refine,$(eval CFLAGS-libxqaccel/src/numerics/$(f).c += -O3))

CFLAGS-libxqaccel/src/model/cpu/sgemm.c += -O3

# A tensor from a .npy file, for programs beside xq; and from files of all formats.
XQ_NPY_SOURCES := $(addprefix libxqaccel/tools/,npy.c tensor.c byte_source.c)
XQ_TENSOR_FILE_SOURCES := $(XQ_NPY_SOURCES) $(addprefix libxqaccel/tools/,archive.c npz.c safetensors.c tensor_file.c)

# .npz, safetensors and gzipped files need libraries that the packages bring; a cross compiler may lack them.
xq_has_library = $(if $(filter $(HOST_ARCH) $(CROSS_LIBRARIES),$(ARCH) $(1)),y,$(findstring /,$(shell $(CC) -print-file-name=$(1).so 2>/dev/null)))
XQ_TENSOR_FILE_LDLIBS := $(if $(call xq_has_library,libzip),-lzip) $(if $(call xq_has_library,libjansson),-ljansson)
CFLAGS-libxqaccel/tools/npz.c := $(if $(call xq_has_library,libzip),-DXQ_WITH_LIBZIP)
CFLAGS-libxqaccel/tools/safetensors.c := $(if $(call xq_has_library,libjansson),-DXQ_WITH_JANSSON)

# xq has the library in it, so that it runs where it was built and in the guest; TOOLS=shared is what packages want.
PROGRAMS += xq
xq-y := $(sort $(wildcard libxqaccel/tools/*.c))
CFLAGS-libxqaccel/tools/xq.c := -DXQ_VERSION='"$(XQ_LIB_VERSION)"'
ifeq ($(TOOLS),shared)
xq-deps := $(XQ_SHARED)
xq-ldlibs := -L$(XQ_LIB_DIR) -lxqaccel $(XQ_TENSOR_FILE_LDLIBS)
else
xq-libs := xqaccel
xq-ldlibs := $(XQ_TENSOR_FILE_LDLIBS)
endif

GUEST_BIN += $(O)/obj/bin/xq

# ---- what gets installed ------------------------------------------------------------------------

XQ_HEADERS := $(wildcard libxqaccel/include/xqaccel/*.h)
XQ_MANUALS := $(wildcard libxqaccel/man/*.[1-8])
XQ_ARCHIVES := $(patsubst %,$(O)/obj/lib%.a,xqaccel xqdevice xqkernels)

$(XQ_SHARED): $(XQ_ARCHIVES) libxqaccel/libxqaccel.map $(O)/stamp/link-flags | $(PACKAGES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LINK-obj) $(LDFLAGS) -shared -Wl,-soname,libxqaccel.so.$(XQ_LIB_MAJOR) \
		-Wl,--version-script,libxqaccel/libxqaccel.map -Wl,--no-undefined -Wl,--no-undefined-version -Wl,-z,relro,-z,now -o $@ \
		-Wl,--whole-archive $(O)/obj/libxqaccel.a -Wl,--no-whole-archive \
		$(filter-out %/libxqaccel.a,$(XQ_ARCHIVES)) $(xqaccel-ldlibs-obj) -lpthread -lm
	$(Q)ln -sf $(@F) $(@D)/libxqaccel.so.$(XQ_LIB_MAJOR)
	$(Q)ln -sf libxqaccel.so.$(XQ_LIB_MAJOR) $(@D)/libxqaccel.so

# The static library is one object whose hidden symbols are local, so that only xq_* can clash.
$(XQ_LIB_DIR)/libxqaccel.a: $(XQ_ARCHIVES) | $(PACKAGES)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)ld -r -o $(@D)/xqaccel.o --whole-archive $(O)/obj/libxqaccel.a \
		--no-whole-archive $(filter-out %/libxqaccel.a,$(XQ_ARCHIVES))
	$(Q)$(CROSS_COMPILE)objcopy --localize-hidden $(@D)/xqaccel.o
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(@D)/xqaccel.o
	$(Q)rm -f $(@D)/xqaccel.o

$(XQ_LIB_DIR)/xqaccel.pc: libxqaccel/xqaccel.pc.in libxqaccel/build.mk FORCE
	$(Q)mkdir -p $(@D)
	$(Q)sed 's|@PREFIX@|$(PREFIX)|; s|@LIBS@|$(if $(xqaccel-ldlibs-obj),-lprotobuf-c -luring )|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(XQ_LIB_VERSION)|' $< >$@

LIB_TARGETS += $(XQ_SHARED) $(XQ_LIB_DIR)/libxqaccel.a $(XQ_LIB_DIR)/xqaccel.pc

# Programs and libraries are installed without what debuggers need; STRIP=: leaves it, as packages want it.
LIBDIR ?= $(PREFIX)/lib
STRIP ?= $(CROSS_COMPILE)strip
XQ_INCLUDE_DIR := $(DESTDIR)$(PREFIX)/include
XQ_SHARE_DIR := $(DESTDIR)$(PREFIX)/share

.PHONY: install-library
install-library: lib $(O)/obj/bin/xq
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pkgconfig $(XQ_INCLUDE_DIR)/xqaccel $(XQ_INCLUDE_DIR)/linux
	$(Q)install -m 755 $(O)/obj/bin/xq $(DESTDIR)$(PREFIX)/bin/
	$(Q)install -m 644 $(XQ_SHARED) $(XQ_LIB_DIR)/libxqaccel.a $(DESTDIR)$(LIBDIR)/
	$(Q)$(STRIP) --strip-unneeded $(DESTDIR)$(PREFIX)/bin/xq $(DESTDIR)$(LIBDIR)/$(notdir $(XQ_SHARED))
	$(Q)$(STRIP) --strip-debug --enable-deterministic-archives $(DESTDIR)$(LIBDIR)/libxqaccel.a
	$(Q)cp -P $(XQ_LIB_DIR)/libxqaccel.so.$(XQ_LIB_MAJOR) $(XQ_LIB_DIR)/libxqaccel.so $(DESTDIR)$(LIBDIR)/
	$(Q)install -m 644 $(XQ_LIB_DIR)/xqaccel.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	$(Q)install -m 644 $(XQ_HEADERS) $(XQ_INCLUDE_DIR)/xqaccel/
	$(Q)install -m 644 uapi/linux/xqaccel.h $(XQ_INCLUDE_DIR)/linux/
	$(Q)install -D -m 644 libxqaccel/tools/xq-completion.bash $(XQ_SHARE_DIR)/bash-completion/completions/xq
	$(Q)libxqaccel/man/install.sh $(XQ_SHARE_DIR)/man $(XQ_MANUALS)

INSTALL_TARGETS += install-library
INSTALL_FILES += obj/bin/xq $(patsubst $(O)/%,%,$(XQ_SHARED) $(XQ_LIB_DIR)/libxqaccel.so.$(XQ_LIB_MAJOR) $(XQ_LIB_DIR)/libxqaccel.so \
	$(XQ_LIB_DIR)/libxqaccel.a $(XQ_LIB_DIR)/xqaccel.pc)

# Packages of Debian, in $(O)/deb.
.PHONY: deb
deb: | $(O)/stamp/packages-deb
	$(Q)libxqaccel/debian/build.sh $(O)/deb

.PHONY: abi-baseline
abi-baseline: $(XQ_SHARED) | $(O)/stamp/packages-check
	$(Q)tests/static/abi.sh update $(O)

# ---- examples -----------------------------------------------------------------------------------

PROGRAMS += xq-classify
xq-classify-y := libxqaccel/examples/classify.c
xq-classify-libs := xqaccel

ifneq ($(filter obj,$(XQ_URING_VARIANTS)),)
# The interface without the library; xq-test-uring runs it in the guest.
PROGRAMS += xq-example-ring
xq-example-ring-y := libxqaccel/examples/ring.c
xq-example-ring-ldlibs := -luring
GUEST_BIN += $(O)/obj/bin/xq-example-ring
# A file through the accelerator by one io_uring; xq-test-queue runs it in the guest.
PROGRAMS += xq-stream
xq-stream-y := libxqaccel/examples/stream.c
xq-stream-libs := xqaccel
GUEST_BIN += $(O)/obj/bin/xq-stream
endif

# ---- the demo -----------------------------------------------------------------------------------

PROGRAMS += xq-demo xq-demo-train
xq-demo-y := $(addprefix libxqaccel/examples/demo/,demo.c run.c quantized.c xnor.c mnist.c) \
	$(XQ_NPY_SOURCES)
xq-demo-libs := xqaccel
xq-demo-ldlibs := $(if $(call xq_has_library,libz),-lz)
CFLAGS-libxqaccel/examples/demo/mnist.c := $(if $(call xq_has_library,libz),-DXQ_WITH_ZLIB)
xq-demo-train-y := $(addprefix libxqaccel/examples/demo/,train.c digits.c)
CFLAGS-libxqaccel/examples/demo/train.c := -O3 -ffp-contract=off
CFLAGS-libxqaccel/examples/demo/digits.c := -ffp-contract=off

XQ_DEMO_NETWORK := $(O)/demo/network
$(XQ_DEMO_NETWORK): $(O)/$(HOST_VARIANT)/bin/xq-demo-train
	$(call say,TRAIN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$< $@

GUEST_BIN += $(O)/obj/bin/xq-demo $(XQ_DEMO_NETWORK):/share/xqaccel/demo-network
GUEST_DEMO := xq-demo /share/xqaccel/demo-network

.PHONY: demo-soft
demo-soft: $(O)/obj/bin/xq-demo $(XQ_DEMO_NETWORK)
	$(Q)$< $(XQ_DEMO_NETWORK)
