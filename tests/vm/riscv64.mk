# SPDX-License-Identifier: GPL-2.0
#
# RISC-V, for which there is no guest: `make check ARCH=riscv64` runs programs of the host under user-mode emulation, with
# the portable kernels, and compiles the driver for Debian's kernel of it. `make check` runs the part below; its driver only if
# that kernel is in the cache.

RISCV64_CROSS := riscv64-linux-gnu-
RISCV64_BUILD := $(O)/cross-riscv64
# Those of arm64, but for what is one of its processors.
RISCV64_TESTS := $(filter-out %_armv80 %_armv82,$(UNIT_TESTS_arm64))
RISCV64_PART := test_kernels test_quantize test_requantize test_pack test_device

# $(call riscv64_line,NAME,BUILD) and the same for the driver
riscv64_line = host $(1) riscv64 $(2)/obj/bin/$(1) $(or $($(1)-timeout),$(HOST_TIMEOUT)) | | $($(1)-env) | $($(1)-args)
riscv64_driver = host check_module.sh riscv64-kernel tests/kselftest/check_module.sh $(HOST_TIMEOUT) \
	| | 'KBUILD_FLAGS=ARCH=riscv64 CROSS_COMPILE=$(RISCV64_CROSS)' | $(1) 6.12

ifeq ($(ARCH),riscv64)
CHECK_PROGRAMS = $(patsubst %,$(O)/obj/bin/%,$(call chosen,$(RISCV64_TESTS)))
CHECK_DEPS := $(LIB_TARGETS) $(O)/stamp/kernel-6.12
define CHECK_PLAN
$(call riscv64_driver,$(O))
$(foreach t,$(RISCV64_TESTS),$(call riscv64_line,$(t),$(O))
)
endef
endif

ifndef CROSS
riscv64_cached := $(wildcard $(XQ_CACHE)/kernel/6.12-riscv64-*/release)
riscv64_chosen := $(if $(filter check,$(MAKECMDGOALS)),$(call chosen,$(RISCV64_PART)))
riscv64_driver_chosen := $(if $(filter check,$(MAKECMDGOALS)),$(if $(riscv64_cached),$(call chosen,check_module.sh)))
RISCV64_VARIABLES := ARCH=riscv64 O=$(RISCV64_BUILD) CC=$(RISCV64_CROSS)gcc AR=$(RISCV64_CROSS)ar KERNELS=6.12

# The whole library, in which a warning is an error, and the programs.
.PHONY: riscv64-part
riscv64-part:
	$(Q)$(MAKE) $(RISCV64_VARIABLES) $(if $(riscv64_chosen),WERROR=1 lib $(riscv64_chosen:%=$(RISCV64_BUILD)/obj/bin/%)) \
		$(if $(riscv64_driver_chosen),$(RISCV64_BUILD)/stamp/kernel-6.12)

$(O)/check.plan: | $(if $(riscv64_chosen)$(riscv64_driver_chosen),riscv64-part)

define CHECK_RISCV64_PLAN
$(foreach t,$(RISCV64_PART),$(call riscv64_line,$(t),$(RISCV64_BUILD))
)$(if $(riscv64_cached),$(call riscv64_driver,$(RISCV64_BUILD)),skip driver-riscv64 - - 0 | | | this kernel for riscv64 is not in the cache: `make module ARCH=riscv64` fetches it)
endef
endif
