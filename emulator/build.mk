# SPDX-License-Identifier: MIT
#
# The device model and its kernels: static libraries for QEMU, the library and the tests.

STATIC_LIBS += xqdevice
xqdevice-y := $(addprefix emulator/device/, completion.c device.c engine.c faults.c map.c mmu.c prepare.c \
	queue.c registers.c state.c timer.c)
xqdevice-libs := xqkernels

QEMU_LIBS := xqdevice xqkernels
