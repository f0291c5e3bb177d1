# SPDX-License-Identifier: GPL-2.0
#
# Tests of the driver, run in the VM. They use nothing but the ioctls, except where the library is what is tested.

STATIC_LIBS += xqkselftest
xqkselftest-y := $(addprefix tests/kselftest/, batch.c device.c device_faults.c fault_injection.c fences.c gemm_case.c guest.c \
	refused_operators.c refused_products.c shared_memory.c)

# The reference loops are the slowest part under emulation.
CFLAGS-tests/kselftest/gemm_case.c := -O3

# What the guest's init runs each test with.
PROGRAMS += limited
limited-y := tests/kselftest/limited.c
limited-libs := xqkselftest

# $(call kselftest,NAME,SECONDS): tests/kselftest/NAME.c as xq-test-NAME
define kselftest
KSELFTEST_NAMES += $(1)
GUEST_TESTS += xq-test-$(1)
xq-test-$(1)-y := tests/kselftest/$(1).c
xq-test-$(1)-libs := xqkselftest
xq-test-$(1)-timeout := $(2)
endef

$(eval $(call kselftest,ioctl,180))
$(eval $(call kselftest,context,180))
$(eval $(call kselftest,buffer,120))
$(eval $(call kselftest,memory,240))
$(eval $(call kselftest,wrap,180))
$(eval $(call kselftest,import,240))
$(eval $(call kselftest,fence,240))
$(eval $(call kselftest,fence_end,240))
$(eval $(call kselftest,eventfd,120))
$(eval $(call kselftest,submit,120))
$(eval $(call kselftest,refusal,240))
$(eval $(call kselftest,gemm,180))
$(eval $(call kselftest,conv,180))
$(eval $(call kselftest,wait,120))
$(eval $(call kselftest,cancel,120))
$(eval $(call kselftest,program,240))
$(eval $(call kselftest,program_end,400))
$(eval $(call kselftest,jobs,240))
$(eval $(call kselftest,share,400))
$(eval $(call kselftest,observe,120))
$(eval $(call kselftest,limits,240))
$(eval $(call kselftest,slow_context,120))
$(eval $(call kselftest,recovery,240))
$(eval $(call kselftest,coredump,240))
$(eval $(call kselftest,debugfs,240))
$(eval $(call kselftest,power,300))
$(eval $(call kselftest,unplug,400))
$(eval $(call kselftest,reset,300))
$(eval $(call kselftest,suspend,200))
$(eval $(call kselftest,leak,200))
$(eval $(call kselftest,cache,60))
$(eval $(call kselftest,stress,240))

# Commands of io_uring, through liburing, which may be missing to a cross compiler.
ifneq ($(filter obj,$(XQ_URING_VARIANTS)),)
STATIC_LIBS += xqringtest
xqringtest-y := tests/kselftest/ring.c
xqringtest-ldlibs := -luring
$(foreach t,uring uring_end uring_fence uring_stress,$(eval $(call kselftest,$(t),180)) $(eval xq-test-$(t)-libs += xqringtest))
# Queues are the library's; liburing is its, too.
$(eval $(call kselftest,queue,200))
xq-test-queue-y += tests/unit/queue_case.c
xq-test-queue-libs += xqaccel
xq-test-queue-ldlibs += -Wl,--wrap=io_uring_submit,--wrap=io_uring_queue_init_params
endif

# Networks are the library's, too.
$(eval $(call kselftest,network,200))
xq-test-network-libs += xqaccel

# $(call kselftest-again,NAME,VARIANT,SECONDS,KERNEL,VM OPTIONS): the same program in another VM
define kselftest-again
GUEST_TESTS += xq-test-$(1)-$(2)
xq-test-$(1)-$(2)-file := $$(O)/obj/bin/xq-test-$(1)
xq-test-$(1)-$(2)-timeout := $(3)
xq-test-$(1)-$(2)-kernels := $(4)
xq-test-$(1)-$(2)-vm := $(5)
endef

# QEMU's translated code of one processor may still use the memory map that another has just changed, as a reset or a
# power state does, so these have one.
xq-test-reset-vm := --cpus 1 --native-hotplug
xq-test-suspend-vm := --cpus 1 --native-hotplug
xq-test-uring_end-vm := --cpus 1 --native-hotplug
xq-test-fence_end-vm := --cpus 1 --native-hotplug
xq-test-power-vm := --cpus 1 --native-hotplug
xq-test-program_end-vm := --cpus 1 --native-hotplug --serial --migratable

# Without native hot-plug the link does not come back from its reset, so recovery fails. Machines without ACPI have no other.
ifeq ($(ARCH),x86)
$(eval $(call kselftest-again,reset,acpi,120,6.12,--cpus 1))
xq-test-reset-acpi-args := not_recovered
endif

# Addresses that the device sees are not those of memory, and what is unmapped can't be reached.
$(foreach t,gemm buffer jobs memory stress,$(eval $(call kselftest-again,$(t),iommu,240,6.1,--iommu)))
# What the DMA API maps is bounced, so the device must see other memory, in place.
$(foreach t,buffer gemm jobs stress unplug,$(eval $(call kselftest-again,$(t),bounce,240,6.12,--append swiotlb=force)))
$(eval $(call kselftest-again,memory,bounce,240,6.1 6.12,--append 'swiotlb=force cma=0'))
$(eval $(call kselftest-again,ioctl,vectors,60,6.12,--device-props vectors=3))
xq-test-ioctl-vectors-args := queues_with_interrupts
$(eval $(call kselftest-again,memory,two,60,6.12,--devices 2))
xq-test-memory-two-args := two_devices
$(eval $(call kselftest-again,fence_end,two,60,6.12,--devices 2))
xq-test-fence_end-two-args := second_device
$(foreach t,fence $(if $(xq-test-queue-y),uring_fence),$(eval $(call kselftest-again,$(t),two,60,6.12,--devices 2)))
xq-test-fence-two-args := canceled_job_lets_others_by
xq-test-uring_fence-two-args := canceled_command_lets_others_by
# Caches are maintained as on a board whose DMA is not coherent.
$(foreach t,gemm jobs memory stress $(if $(xq-test-queue-y),queue uring),$(eval $(call kselftest-again,$(t),sync,240,6.1,--module-params force_dma_sync=1)))
# Use after free and overruns in the kernel are found.
$(foreach t,jobs recovery stress unplug,$(eval $(call kselftest-again,$(t),debug,400,6.12,--debug-memory)))
$(eval $(call kselftest-again,fence,debug,120,6.12,--debug-memory --append preempt=full))
xq-test-fence-debug-args := buffer_goes_with_its_job

# As 32-bit programs, with the off_t that they have if nobody asks for a larger one, in the machine that has most tests. All
# but
#	queue, network: they are the library's, too, which is not built for 32 bits;
#	those that need another machine (reset, suspend, power, fence_end, uring_end): they are about the device's ends and
#	sleeps, and pass as such programs, but take a minute;
#	cache: on x86 it skips.
I386_LIBRARIES := $(O)/i386/libraries
CC-i386 := i686-linux-gnu-gcc
FLAGS-i386 := -isystem $(I386_LIBRARIES)/include -Wno-pointer-to-int-cast
LINK-i386 := -static -L$(I386_LIBRARIES)/lib
I386_NAMES := $(foreach t,$(filter-out queue network cache,$(KSELFTEST_NAMES)),$(if $(xq-test-$(t)-vm),,$(t)))
i386_objects = $(patsubst %.c,$(O)/i386/%.o,tests/kselftest/$(1).c $(foreach l,$(xq-test-$(1)-libs),$($(l)-y)))
i386_ldlibs = $(foreach l,$(xq-test-$(1)-libs),$($(l)-ldlibs))

$(O)/stamp/i386-libraries: tests/setup/fetch-cross-libraries.sh | $(PACKAGES)
	$(Q)mkdir -p $(@D) $(O)/i386
	$(Q)folder=$$(tests/setup/fetch-cross-libraries.sh i386) && ln -sfn "$$folder" $(I386_LIBRARIES)
	$(Q)touch $@

$(O)/i386/%.o: %.c $(O)/stamp/flags | $(O)/stamp/packages-check $(O)/stamp/i386-libraries
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CCACHE) $(CC-i386) $(XQ_CPPFLAGS) -std=gnu11 $(CFLAGS) $(WARNINGS) $(FLAGS-i386) -MMD -MP -c -o $@ $<

define kselftest_i386
$(O)/i386/bin/xq-test-$(1): $(call i386_objects,$(1)) $(O)/stamp/link-flags | $(O)/stamp/packages-check
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(CC-i386) $(CFLAGS) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) $(LINK-i386) \
		$(call i386_ldlibs,$(1)) -lpthread
GUEST_TESTS += xq-test-$(1)-i386
xq-test-$(1)-i386-file := $$(O)/i386/bin/xq-test-$(1)
xq-test-$(1)-i386-timeout := $(xq-test-$(1)-timeout)
xq-test-$(1)-i386-kernels := 6.12
endef
ifeq ($(ARCH),x86)
$(foreach t,$(I386_NAMES),$(eval $(call kselftest_i386,$(t))))
-include $(patsubst %.o,%.d,$(sort $(foreach t,$(I386_NAMES),$(call i386_objects,$(t)))))
endif

# ---- the folder for a board ----------------------------------------------------------------------------------

# Static, because a board's C library and its others are older, newer or not there; with KDIR= it has the driver, too.
BOARD_FOLDER := $(O)/kselftests
KSELFTEST_PROGRAMS := $(KSELFTEST_NAMES:%=xq-test-%)
BOARD_PROGRAMS := $(KSELFTEST_PROGRAMS) $(filter limited xq-example-ring xq-stream,$(PROGRAMS))
KSELFTEST_FILES := $(addprefix $(BOARD_FOLDER)/,$(BOARD_PROGRAMS) run programs \
	$(if $(filter kdir,$(KVER)),xqaccel.ko))

$(BOARD_FOLDER)/run: tests/kselftest/run
	$(Q)install -D -m 755 $< $@

# Each with its limit in seconds.
$(BOARD_FOLDER)/programs: $(wildcard */build.mk tests/*/build.mk)
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s %s\n' $(foreach t,$(KSELFTEST_PROGRAMS),$(t) $($(t)-timeout)) >$@

$(BOARD_FOLDER)/xqaccel.ko: $(O)/module-kdir/xqaccel.ko
	$(Q)install -D -m 644 $< $@

# A driver of an earlier build with KDIR= would be loaded in place of the one that is tested.
.PHONY: kselftests
kselftests: $(KSELFTEST_FILES)
	$(if $(filter kdir,$(KVER)),,$(Q)rm -f $(BOARD_FOLDER)/xqaccel.ko)

CHECK_SCRIPTS += tests/kselftest/test_run.sh
test_run.sh-args := $(BOARD_FOLDER)
CHECK_DEPS += $(if $(call chosen,test_run.sh),$(KSELFTEST_FILES))

CHECK_SCRIPTS += tests/kselftest/check_module.sh
check_module.sh-args := $(O) $(KERNELS)
CHECK_DEPS += $(KERNELS:%=$(O)/stamp/kernel-%)
