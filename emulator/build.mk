# SPDX-License-Identifier: MIT
#
# The device model and its kernels: static libraries for QEMU, the library and the tests.

STATIC_LIBS += xqdevice
xqdevice-y := $(addprefix emulator/device/, completion.c device.c engine.c faults.c map.c mmu.c prepare.c \
	queue.c registers.c state.c timer.c)
xqdevice-libs := xqkernels

QEMU_LIBS := xqdevice xqkernels

# ---- kernels: kern_ISA.c is an instruction set's table, kern_*_ISA.c its code ------------------------

STATIC_LIBS += xqkernels
XQK_SOURCES := $(sort $(wildcard emulator/kernels/*.c emulator/kernels/*.S))
XQK_X86 := $(filter %_avx2.c %_avx512.c %_avx512.S,$(XQK_SOURCES))
XQK_ARM64 := $(filter emulator/kernels/kern_neon%,$(XQK_SOURCES))
xqkernels-y := $(filter-out $(XQK_X86) $(XQK_ARM64),$(XQK_SOURCES))
xqkernels-x86 := $(XQK_X86)
xqkernels-arm64 := $(XQK_ARM64)
CFLAGS-emulator/kernels/gemm.c := -O3
CFLAGS-emulator/kernels/thin.c := -O3
CFLAGS-emulator/kernels/vector.c := -O3
$(foreach f,$(filter emulator/kernels/kern_%,$(XQK_SOURCES)),$(eval CFLAGS-$(f) := -O3))
$(foreach f,$(filter %_avx2.c,$(XQK_X86)),$(eval CFLAGS-$(f) += -mavx2 -mpopcnt))
$(foreach f,$(filter %_avx512.c,$(XQK_X86)),$(eval CFLAGS-$(f) += -mavx512f -mavx512bw -mavx512dq -mavx512vl \
	-mavx512vbmi -mavx512vnni -mavx512vpopcntdq -mpopcnt -mprefer-vector-width=512))
CFLAGS-emulator/kernels/kern_neondot.c += -march=armv8.2-a+dotprod
CFLAGS-emulator/kernels/kern_neoni8mm.c += -march=armv8.2-a+i8mm
# Sanitizers: bounds matter in the micro-kernels, and undefined arithmetic does not occur in intrinsics, whose
# checks take most of the time that the compiler has.
$(foreach f,$(filter emulator/kernels/kern_%,$(XQK_SOURCES)),$(eval CFLAGS-asan-$(f) := -O1 -fno-sanitize=undefined) \
	$(eval CFLAGS-fuzz-$(f) := -O1 -fno-sanitize=undefined) $(eval CFLAGS-tsan-$(f) := -O1))
$(foreach f,$(XQK_X86),$(eval CFLAGS-asan-$(f) += --param asan-instrumentation-with-call-threshold=0))
