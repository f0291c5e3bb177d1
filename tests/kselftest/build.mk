# SPDX-License-Identifier: GPL-2.0
#
# Tests of the driver, run in the VM. They use nothing but the ioctls.

STATIC_LIBS += xqkselftest
xqkselftest-y := $(addprefix tests/kselftest/, device.c gemm_case.c guest.c)

# The reference loops are the slowest part under emulation.
CFLAGS-tests/kselftest/gemm_case.c := -O3

# $(call kselftest,NAME,SECONDS): tests/kselftest/NAME.c as xq-test-NAME
define kselftest
GUEST_TESTS += xq-test-$(1)
xq-test-$(1)-y := tests/kselftest/$(1).c
xq-test-$(1)-libs := xqkselftest
xq-test-$(1)-timeout := $(2)
endef

$(eval $(call kselftest,gemm,180))
