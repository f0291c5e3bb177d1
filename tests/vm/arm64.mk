# SPDX-License-Identifier: GPL-2.0
#
# Guests of arm64, on QEMU's `virt`. `make check ARCH=arm64` runs in them what runs in guests of x86, and each test of the
# driver once more with the accelerator on the board's own bus, described by a device tree, its DMA not coherent. `make
# check` runs the part below if their QEMU is in the cache, and otherwise says that it is not.

ifeq ($(ARCH),arm64)

# What needs PCI skips by name.
PLATFORM_TESTS := $(patsubst xq-test-%,%,$(foreach t,$(filter xq-test-%,$(GUEST_TESTS)),$(if $($(t)-file),,$(t))))
$(foreach t,$(PLATFORM_TESTS),$(eval $(call kselftest-again,$(t),platform,$(xq-test-$(t)-timeout),$(KERNELS),--bus platform $(xq-test-$(t)-vm))))

comma := ,
hash := \#

# Clocks, a reset line and DMA that is not coherent are what a node may have and need not.
$(foreach t,ioctl jobs power recovery suspend,$(eval $(call kselftest-again,$(t),bare,$(xq-test-$(t)-timeout),6.12,--bus platform --node=-clocks$(comma)-resets $(xq-test-$(t)-vm))))
$(foreach t,cache gemm memory,$(eval $(call kselftest-again,$(t),coherent,$(xq-test-$(t)-timeout),6.12,--bus platform --node=-dma-noncoherent$(comma)+dma-coherent)))
# Behind an IOMMU, too, where DMA is coherent unless the tree lacks what QEMU's says.
$(eval $(call kselftest-again,cache,smmu,$(xq-test-cache-timeout),6.12,--iommu --tree=/:-dma-coherent --tree=/pcie@10000000:-dma-coherent))
# A tree that says nothing: its DMA is not coherent either.
$(foreach t,cache memory,$(eval $(call kselftest-again,$(t),unsaid,$(xq-test-$(t)-timeout),6.12,--bus platform --node=-dma-noncoherent --tree=/:-dma-coherent)))

# A reset line that has been asserted since power-on, whose release takes time, and an access to memory that is not over then.
$(eval $(call kselftest-again,jobs,asserted,120,6.12,--bus platform --device-props reset-asserted=on$(comma)reset-answer-ms=6$(comma)reset-linger-ms=200))
# A controller that has pulses and nothing else, as one of Broadcom's.
$(eval $(call kselftest-again,recovery,pulse,$(xq-test-recovery-timeout),6.12,--bus platform \
	--tree=/reset-controller@c010000:+compatible=brcm$(comma)bcm7216-pcie-sata-rescal$(comma)+$$(hash)reset-cells=0))
# A device that reaches the first 256 MiB of memory, and no bounce buffers. (What the kernel reserves for contiguous memory has
# blocks of 2 MiB at any MiB.)
$(foreach t,gemm jobs memory wrap,$(eval $(call kselftest-again,$(t),narrow,$(xq-test-$(t)-timeout),6.12,--bus platform \
	--append 'swiotlb=noforce cma=0' --tree=/soc:+dma-ranges=0:0:0:0:0:0x50000000)))
# Behind an IOMMU such a device reaches all of it.
$(eval $(call kselftest-again,memory,narrow-smmu,$(xq-test-memory-timeout),6.12,--iommu \
	--tree=/pcie@10000000:+dma-ranges=0x2000000:0:0:0:0:0:0x50000000))

GUEST_TESTS += xq-test-demo xq-test-demo-platform
xq-test-demo-file := tests/vm/guest/demo
xq-test-demo-timeout := 300
xq-test-demo-platform-file := tests/vm/guest/demo
xq-test-demo-platform-timeout := 300
xq-test-demo-platform-vm := --bus platform

# Nobody but the driver stops a device on the board's own bus.
test_shutdown.py-args += --arch arm64 --bus platform

endif

ifdef CROSS
# The host's tests are those of the host's own architecture.
CHECK_PROGRAMS = $(if $(call chosen,$(GUEST_TESTS)),$(QEMU) $(IMAGES)) $(shutdown_programs)
CHECK_DEPS :=
define CHECK_PLAN
$(if $(filter arm64,$(ARCH)),$(call script_line,tests/vm/test_shutdown.py))
$(foreach t,$(GUEST_TESTS),$(call guest_line,$(t))
)$(if $(filter xq-test-uring,$(GUEST_TESTS)),,skip guest-uring - - 0 | | | no liburing for $(ARCH) in CROSS_LIBRARIES)
endef
endif

# ---- the part that `make check` runs ---------------------------------------------------------------

CHECK_ARM64_TESTS := ioctl buffer gemm jobs
CHECK_ARM64_PLATFORM_TESTS := ioctl buffer gemm jobs recovery cache
ARM64_BUILD := $(O)/cross-arm64

ifeq ($(ARCH),arm64)
# An image with nothing else, so that nothing else is compiled.
$(eval $(call image_rule,part,$(O)/obj/bin/limited:/bin/limited \
	$(foreach t,$(sort $(CHECK_ARM64_TESTS) $(CHECK_ARM64_PLATFORM_TESTS)),$(O)/obj/bin/xq-test-$(t):/tests/xq-test-$(t))))
endif

ifndef CROSS
arm64_cached := $(wildcard $(XQ_CACHE)/qemu/*/qemu-system-aarch64)
arm64_chosen := $(if $(filter check,$(MAKECMDGOALS)),$(if $(call chosen,$(CHECK_ARM64_TESTS:%=xq-test-%) $(CHECK_ARM64_PLATFORM_TESTS:%=xq-test-%)),y))
ARM64_VARIABLES := ARCH=arm64 O=$(ARM64_BUILD) CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar KERNELS=6.12

# A QEMU that would have to be built is left to who asks for it.
.PHONY: arm64-guest
arm64-guest: $(O)/stamp/packages-cross-arm64
	$(Q)$(MAKE) $(ARM64_VARIABLES) qemu-cached
	$(Q)[ ! -e $(ARM64_BUILD)/qemu/qemu-system-aarch64 ] || $(MAKE) $(ARM64_VARIABLES) $(ARM64_BUILD)/part-6.12.cpio

$(O)/check.plan: | $(if $(arm64_chosen),$(if $(arm64_cached),arm64-guest))
endif

# $(call arm64_line,NAME,VM OPTIONS)
arm64_line = guest xq-test-$(1) - - $(xq-test-$(1)-timeout) 6.12 | --arch arm64 --build $(ARM64_BUILD) --image part $(2) $(xq-test-$(1)-vm) | |

define CHECK_ARM64_PLAN
$(if $(and $(arm64_cached),$(shell [ ! -e $(ARM64_BUILD)/qemu/qemu-system-aarch64 ] || echo y)),$(foreach t,$(CHECK_ARM64_TESTS),$(call arm64_line,$(t))
)$(foreach t,$(CHECK_ARM64_PLATFORM_TESTS),$(call arm64_line,$(t),--bus platform)
),skip guest-arm64 - - 0 | | | this QEMU for arm64 is not in the cache: `make qemu ARCH=arm64` builds it)
endef
