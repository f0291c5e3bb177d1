# SPDX-License-Identifier: MIT
#
# The device model and its kernels: static libraries for QEMU, the library and the tests.

STATIC_LIBS += xqdevice
xqdevice-y := $(addprefix emulator/device/, completion.c device.c engine.c faults.c map.c mmu.c pipeline.c plan.c prepare.c program.c \
	queue.c registers.c state.c timer.c)
xqdevice-libs := xqkernels

QEMU_LIBS := xqdevice xqkernels

# ---- kernels: a folder for each kind of work, in it one for each instruction set ----------------------
#
# A file KIND/ISA/*.c has the flags of its folder; a new kind needs nothing here.

STATIC_LIBS += xqkernels
XQK := emulator/kernels
XQK_SOURCES := $(sort $(wildcard $(foreach d,$(XQK) $(XQK)/* $(XQK)/*/*,$(d)/*.c $(d)/*.S)))
XQK_X86 := $(foreach i,avx2 avx512 amx,$(foreach f,$(XQK_SOURCES),$(if $(findstring /$(i)/,$(f)),$(f))))
XQK_ARM64 := $(foreach f,$(XQK_SOURCES),$(if $(findstring /neon/,$(f)),$(f)))
XQK_SCALAR := $(foreach f,$(XQK_SOURCES),$(if $(findstring /scalar/,$(f)),$(f)))
xqkernels-y := $(filter-out $(XQK_X86) $(XQK_ARM64),$(XQK_SOURCES))
xqkernels-x86 := $(XQK_X86)
xqkernels-arm64 := $(XQK_ARM64)
XQK_MICRO := $(XQK_X86) $(XQK_ARM64) $(XQK_SCALAR)
$(foreach f,$(XQK_MICRO) $(addprefix $(XQK)/product/,gemm.c supergroups.c thin.c vector.c) $(XQK)/mean/mean.c $(addprefix $(XQK)/epilogue/,lanes.c tail.c) $(addprefix $(XQK)/convolution/,depthwise.c direct.c),$(eval CFLAGS-$(f) := -O3))
$(foreach f,$(XQK_X86),$(if $(findstring /avx2/,$(f)),$(eval CFLAGS-$(f) += -mavx2 -mpopcnt)))
$(foreach f,product/avx2/groups_real.c elementwise/avx2/table.c,$(eval CFLAGS-$(XQK)/$(f) += -mfma))
$(foreach f,$(filter %.c,$(XQK_X86)),$(if $(findstring /avx512/,$(f))$(findstring /amx/,$(f)),$(eval CFLAGS-$(f) += -mavx512f -mavx512bw \
	-mavx512dq -mavx512vl -mavx512vbmi -mavx512vnni -mavx512vpopcntdq -mpopcnt -mprefer-vector-width=512)))
# Tiles stand beside the vectors of AVX-512, whose table this one includes.
$(foreach f,$(filter %.c,$(XQK_X86)),$(if $(findstring /amx/,$(f)),$(eval CFLAGS-$(f) += -mamx-tile -mamx-int8)))
$(foreach f,$(filter %/neon/dotprod.c,$(XQK_ARM64)),$(eval CFLAGS-$(f) += -march=armv8.2-a+dotprod))
$(foreach f,$(filter %/neon/i8mm.c,$(XQK_ARM64)),$(eval CFLAGS-$(f) += -march=armv8.2-a+i8mm))
# Floats give the same bits on every machine: no fused operations that were not written.
$(foreach f,$(XQK_SOURCES),$(eval CFLAGS-$(f) += -ffp-contract=off -fno-math-errno -fno-trapping-math))
# Sanitizers: bounds matter in the micro-kernels, and undefined arithmetic does not occur in intrinsics, whose
# checks take most of the time that the compiler has.
$(foreach f,$(XQK_MICRO),$(eval CFLAGS-asan-$(f) := -O1 -fno-sanitize=undefined) \
	$(eval CFLAGS-fuzz-$(f) := -O1 -fno-sanitize=undefined) $(eval CFLAGS-tsan-$(f) := -O1))
$(foreach f,$(XQK_X86),$(eval CFLAGS-asan-$(f) += --param asan-instrumentation-with-call-threshold=0))
