# SPDX-License-Identifier: GPL-2.0
#
# QEMU, the module for each kernel, the guest's image, and what runs in the VM.

CHECK_SCRIPTS += tests/ktap/test_ktap.py tests/vm/test_runner.py tests/setup/test_mirror.sh tests/setup/test_stamps.sh \
	tests/setup/test_tree.sh tests/setup/test_abi.sh tests/setup/test_cached.sh tests/setup/test_make.sh \
	tests/setup/test_failures.sh tests/setup/test_fetch_kernel.sh tests/vm/test_shutdown.py
test_shutdown.py-args = $(O) $(firstword $(KERNELS))

MODULES := $(KERNELS:%=$(O)/module-%/xqaccel.ko)
IMAGES := $(KERNELS:%=$(O)/image-%.cpio)
DRIVER_SOURCES := $(wildcard Kbuild driver/*.[ch] uapi/linux/*.h)

# What a kernel is called by Debian, and what kbuild and the image need to know of another architecture.
DEBIAN_ARCH := $(patsubst x86,amd64,$(ARCH))
KBUILD_FLAGS += $(CROSS:%=ARCH=% CROSS_COMPILE=$(CROSS_COMPILE))

# It gets no flags of this make's. In a recipe's own line $(MAKE) would run it even for make -n, which it then knows nothing of.
kbuild = env -u MAKEFLAGS -u MFLAGS -u O -u ARCH $(MAKE) $(if $(filter 0,$(V)),-s)

qemu_archives = $(foreach l,$(QEMU_LIBS),$(O)/$(HOST_VARIANT)/lib$(l).a $(call archives_of,$(l),$(HOST_VARIANT)))

$(QEMU): $(wildcard emulator/qemu/* driver/xq_*.h emulator/device/*.h uapi/linux/*.h) | $(PACKAGES) $(PACKAGES-obj)
	$(Q)emulator/qemu/build.sh $(O)/qemu $(QEMU_TARGET) $(filter %.a,$^)

# If nothing has to be compiled for it.
.PHONY: qemu-cached
qemu-cached: $(qemu_archives)
	$(Q)QEMU_CACHED_ONLY=1 emulator/qemu/build.sh $(O)/qemu $(QEMU_TARGET) $(filter %.a,$^)

$(O)/stamp/kernel-%: tests/setup/fetch-kernel.sh tests/setup/kernels.list | $(PACKAGES) $(PACKAGES-obj)
	$(Q)mkdir -p $(@D)
	$(Q)folder=$$(tests/setup/fetch-kernel.sh $* $(DEBIAN_ARCH)) && ln -sfn "$$folder" $(O)/kernel-$*
	$(Q)touch $@

# A kernel of this system, make module KDIR=/lib/modules/.../build, of which nothing is fetched or installed. It may have been
# configured and built anew in the same place, so kbuild is asked each time.
$(O)/module-kdir/xqaccel.ko: FORCE
$(O)/stamp/kernel-kdir: FORCE
	$(Q)mkdir -p $(@D) $(O)/kernel-kdir
	$(Q)[ -e $@ ] && [ "$$(readlink $(O)/kernel-kdir/build)" = '$(KDIR)' ] || { ln -sfn '$(KDIR)' $(O)/kernel-kdir/build && touch $@; }

# kbuild runs depmod only where there is a System.map, which Debian's headers lack. Who became root by su has no sbin in PATH.
# It works in the kernel's tree, where a relative path would be another.
install_root := $(abspath $(INSTALL_MOD_PATH))
.PHONY: modules_install
modules_install: $(O)/module-kdir/xqaccel.ko
	$(Q)$(kbuild) -C $(KDIR) M=$(abspath $(<D)) $(KBUILD_FLAGS) $(install_root:%=INSTALL_MOD_PATH=%) modules_install
	$(Q)PATH="$$PATH:/usr/sbin:/sbin" depmod -a $(install_root:%=-b %) "$$(cat $(KDIR)/include/config/kernel.release)"

# $(call link_driver,FOLDER): its sources alone, because a kbuild in the checkout leaves what says that they are compiled.
link_driver = mkdir -p $(1)/driver $(1)/uapi/linux && ln -sf $(CURDIR)/driver/*.[ch] $(1)/driver/ && \
	ln -sf $(CURDIR)/uapi/linux/*.h $(1)/uapi/linux/

# kbuild writes beside its sources, so each kernel gets a tree of links of its own. BTF needs a vmlinux and pahole.
$(O)/module-%/xqaccel.ko: $(DRIVER_SOURCES) $(O)/stamp/kernel-%
	$(call say,KBUILD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)find $(@D) -type l -delete
	$(Q)$(call link_driver,$(@D)) && ln -sf $(CURDIR)/Kbuild $(@D)/
	$(Q)$(kbuild) -j$(JOBS) -C $(O)/kernel-$*/build \
		M=$(abspath $(@D)) $(KBUILD_FLAGS) CONFIG_DEBUG_INFO_BTF_MODULES= modules
	$(Q)[ -e $@ ] || ln -sf "$$(cd $(@D) && find . -name xqaccel.ko -print -quit)" $@
	$(Q)touch -c $@

GUEST_TEST_FILES = $(O)/obj/bin/limited:/bin/limited $(foreach t,$(sort $(GUEST_TESTS) $(DEBUG_TESTS)),$(or $($(t)-file),$(O)/obj/bin/$(t)):/tests/$(t))
host_paths = $(foreach f,$(1),$(firstword $(subst :, ,$(f))))

# $(call image_rule,NAME,FILES): the image NAME-KERNEL.cpio. The demo's has no tests, so that it is built sooner.
define image_rule
$(O)/$(1)-%.cpio: $(if $(wildcard Kbuild),$(O)/module-%/xqaccel.ko) $(O)/stamp/kernel-% tests/vm/image.sh \
		$(wildcard tests/vm/guest/*) $(call host_paths,$(2)) $(wildcard */build.mk tests/*/build.mk)
	$$(call say,IMAGE,$$@)
	$$(Q)$(if $(CROSS),XQ_BUSYBOX=$$$$(tests/setup/fetch-busybox.sh $(DEBIAN_ARCH))) CC='$(CC)' XQ_LIBRARIES='$(abspath $(O)/lib $(CROSS:%=$(O)/cross-libraries/lib))' tests/vm/image.sh $$@ $(O)/kernel-$$* $$(or $$(filter %/xqaccel.ko,$$^),-) $(2) $$(IMAGE_FILES-$$*)
endef
# A limit finds what hangs; how fast the machine is, and whether its neighbours let it be, is not for it to say.
HOST_TIMEOUT := 900

# One line for each test, read by tests/check.
host_line = host $(1) $(2) $(O)/$(2)/bin/$(1) $(or $($(1)-timeout),$(HOST_TIMEOUT)) | | $($(1)-env) | $($(1)-args)
script_line = host $(notdir $(1)) - $(1) $(or $($(notdir $(1))-timeout),$(HOST_TIMEOUT)) | | $($(notdir $(1))-env) | $($(notdir $(1))-args)
guest_line = guest $(1) - - $(or $($(1)-timeout),120) $(or $($(1)-kernels),$(KERNELS)) \
	| $($(1)-vm) $(VM_OPTIONS) | $($(1)-env) | $($(1)-args)

# Only what will run is built.
chosen = $(if $(ONLY),$(shell printf '%s\n' $(1) | grep -E -e '$(ONLY)'),$(1))
shutdown_programs = $(if $(call chosen,test_shutdown.py),$(QEMU) $(O)/image-$(firstword $(KERNELS)).cpio)
CHECK_PROGRAMS = $(patsubst %,$(O)/obj/bin/%,$(call chosen,$(UNIT_TESTS))) \
	$(foreach v,asan tsan arm64,$(patsubst %,$(O)/$(v)/bin/%,$(call chosen,$(UNIT_TESTS_$(v))))) \
	$(if $(call chosen,$(GUEST_TESTS)),$(QEMU) $(IMAGES)) \
	$(shutdown_programs) \
	$(if $(debug_cached),$(if $(call chosen,$(CHECK_DEBUG_TESTS)),$(QEMU) $(O)/image-6.12-kasan.cpio))

define CHECK_PLAN
$(foreach s,$(CHECK_SCRIPTS),$(call script_line,$(s))
)$(foreach t,$(UNIT_TESTS),$(call host_line,$(t),obj)
)$(foreach v,asan tsan arm64,$(foreach t,$(UNIT_TESTS_$(v)),$(call host_line,$(t),$(v))
))$(foreach t,$(GUEST_TESTS),$(call guest_line,$(t))
)$(CHECK_DEBUG_PLAN)
$(CHECK_ARM64_PLAN)
$(CHECK_RISCV64_PLAN)
endef

include tests/vm/arm64.mk
include tests/vm/riscv64.mk

# Once it is known what tests there are.
$(eval $(call image_rule,image,$(GUEST_BIN) $(GUEST_TEST_FILES)))
$(eval $(call image_rule,demo,$(GUEST_BIN)))
# With the driver of QEMU's disk.
$(O)/bench-%.cpio: export MORE_MODULES := nvme
$(eval $(call image_rule,bench,$(O)/obj/bin/bench-driver))

$(O)/check.plan: FORCE | $(PACKAGES)
	@mkdir -p $(@D)
	$(file >$@.new,$(CHECK_PLAN))
	@sed -i '/^ *$$/d' $@.new && mv $@.new $@
