# SPDX-License-Identifier: GPL-2.0
#
# Kernels that tell every mistake, and what runs on them. `make debug-kernel` and `make check-debug` build them; `make
# check` uses one that is in the cache and otherwise says that it is not.

DEBUG_KERNELS := 6.12-kasan 6.12-kcsan
DEBUG_IMAGES := $(DEBUG_KERNELS:%=$(O)/image-%.cpio)

$(DEBUG_KERNELS:%=$(O)/stamp/kernel-%): tests/setup/debug-kernel.sh $(wildcard tests/debug/*.config) \
		| $(PACKAGES) $(O)/stamp/packages-debug
	$(Q)mkdir -p $(@D)
	$(Q)folder=$$(tests/setup/debug-kernel.sh $(@:$(O)/stamp/kernel-6.12-%=%)) && \
		ln -sfn "$$folder" $(@:$(O)/stamp/%=$(O)/%)
	$(Q)touch $@

# Coverage for the fuzzer.
$(O)/module-6.12-kasan/xqaccel.ko: KBUILD_FLAGS += KCOV_INSTRUMENT=y

# Every check of the kernel costs time, on an emulated processor too; KASAN an eighth of the memory.
DEBUG_VM := --memory 2048 --time-factor 4

# ---- mistakes on purpose, to see that each is told -------------------------------------------------

MISTAKES := $(addprefix tests/debug/mistakes/, Kbuild xqaccel_mistakes.c)

$(DEBUG_KERNELS:%=$(O)/mistakes-%/xqaccel_mistakes.ko): $(O)/mistakes-%/xqaccel_mistakes.ko: $(MISTAKES) driver/xq_regs.h \
		$(O)/stamp/kernel-%
	$(call say,KBUILD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)find $(@D) -type l -delete
	$(Q)$(call link_driver,$(@D)) && ln -sf $(addprefix $(CURDIR)/,$(MISTAKES)) $(@D)/
	$(Q)$(kbuild) -j$(JOBS) -C $(O)/kernel-$*/build \
		M=$(abspath $(@D)) $(KBUILD_FLAGS) modules
	$(Q)touch -c $@

$(foreach k,$(DEBUG_KERNELS),$(eval IMAGE_FILES-$(k) += $(O)/mistakes-$(k)/xqaccel_mistakes.ko:/lib/modules/xqaccel_mistakes.ko \
	tests/debug/mistakes/make_mistakes.sh:/tests/xq-make-mistakes))
$(foreach k,$(DEBUG_KERNELS),$(eval $(O)/image-$(k).cpio: $(O)/mistakes-$(k)/xqaccel_mistakes.ko tests/debug/mistakes/make_mistakes.sh))

# ---- what runs on them ---------------------------------------------------------------------------

# Sizes of one run: jobs of each of 8 processes, how often each kind of fault happens, and each after which the device is
# lost, calls of the fuzzer, loads of the module.
DEBUG_SEED ?= 1
DEBUG_JOBS ?= 500
DEBUG_FAULTS ?= 10
DEBUG_LOSSES ?= 3
DEBUG_CALLS ?= 20000
DEBUG_RELOADS ?= 10

# $(call debug-test,NAME,VARIANT,SECONDS,ARGUMENTS,VM OPTIONS): program xq-test-NAME, as xq-test-NAME-VARIANT if that is given
define debug-test
DEBUG_TESTS += xq-test-$(1)$(2:%=-%)
xq-test-$(1)$(2:%=-%)-file := $$(or $$(xq-test-$(1)-file),$$(O)/obj/bin/xq-test-$(1))
xq-test-$(1)$(2:%=-%)-timeout := $(3)
xq-test-$(1)$(2:%=-%)-args = $(4)
xq-test-$(1)$(2:%=-%)-vm := $(5)
endef

# A cross compiler may lack liburing.
DEBUG_RING_TESTS := $(if $(filter obj,$(XQ_URING_VARIANTS)),fail_nth_uring fuzz)
PROGRAMS += xq-test-fail_nth xq-test-fail_nth_memory $(DEBUG_RING_TESTS:%=xq-test-%) xq-test-reload
$(foreach t,fail_nth fail_nth_memory fail_nth_uring fuzz reload,$(eval xq-test-$(t)-libs := xqkselftest))
$(foreach t,fail_nth fail_nth_memory fail_nth_uring,$(eval xq-test-$(t)-y := tests/kselftest/$(t).c))
xq-test-fuzz-y := $(addprefix tests/kselftest/, fuzz.c fuzz_call.c fuzz_memory.c fuzz_ring.c kcov.c)
$(foreach t,fail_nth_uring fuzz,$(eval xq-test-$(t)-libs += xqringtest))
xq-test-reload-y := tests/kselftest/reload.c
xq-test-kunit-file := tests/kunit/kunit.sh

$(eval $(call debug-test,kunit,,120,,))
$(eval $(call debug-test,fail_nth,,1800,,--native-hotplug --fail-nth))
$(eval $(call debug-test,fail_nth_memory,,1200,,--fail-nth))
$(if $(DEBUG_RING_TESTS),$(eval $(call debug-test,fail_nth_uring,,1200,,--fail-nth)))
# Those of the checks of DMA are among the allocations that fail.
$(eval $(call debug-test,stress,refusals,1800,-p 8 -n $$(DEBUG_JOBS) -s $$(DEBUG_SEED) -a 100,--fail-nth))
$(eval $(call debug-test,stress,faults,3600,-p 8 -n $$(DEBUG_JOBS) -m $$(DEBUG_FAULTS) -s $$(DEBUG_SEED) -f,))
$(eval $(call debug-test,reload,,1800,-n $$(DEBUG_RELOADS),))
$(if $(DEBUG_RING_TESTS),$(eval $(call debug-test,fuzz,,3600,-n $$(DEBUG_CALLS) -s $$(DEBUG_SEED),)))
$(eval $(call debug-test,stress,losses,3600,-p 8 -n $$(DEBUG_JOBS) -m $$(DEBUG_LOSSES) -s $$(DEBUG_SEED) -l,--cpus 1))
# Resets and unplugging change the memory map, which QEMU's other processor may still be using. Slots are those of ACPI,
# because lockdep has something to say of pciehp (reset_lock, pci_rescan_remove_lock), and then says nothing more.
$(if $(DEBUG_RING_TESTS),$(eval $(call debug-test,fuzz,unplug,3600,-n $$(DEBUG_CALLS) -s $$(DEBUG_SEED) -u,--cpus 1)))
xq-test-kunit-kernels := $(DEBUG_KERNELS)
xq-test-fuzz-kernels := $(DEBUG_KERNELS)

# The programs of tests/kselftest, each once, whatever machines build.mk runs them in. But for shares of device time: a
# client on a debug kernel is too slow to keep the device busy, and there is nothing to share.
KSELFTESTS = $(foreach t,$(filter-out xq-test-share,$(filter xq-test-%,$(GUEST_TESTS))),$(if $($(t)-file),,$(t)))

# $(call debug_line,NAME,KERNEL,VM OPTIONS)
debug_line = guest $(1) - - $(or $($(1)-timeout),120) $(2) | $(DEBUG_VM) $($(1)-vm) $(3) | $($(1)-env) | $($(1)-args)

define DEBUG_TESTS_PLAN
$(foreach t,$(DEBUG_TESTS),$(foreach k,$(or $($(t)-kernels),6.12-kasan),$(call debug_line,$(t),$(k))
))
endef

define DEBUG_PLAN
host test_mistakes.py - tests/debug/test_mistakes.py 1200 | | | $(O)
$(foreach t,$(KSELFTESTS),$(call debug_line,$(t),6.12-kasan)
$(call debug_line,$(t),6.12-kasan,--iommu)
$(call debug_line,$(t),6.12-kasan,--append swiotlb=force)
$(call debug_line,$(t),6.12-kcsan)
)$(DEBUG_TESTS_PLAN)
endef

$(O)/debug.plan: FORCE | $(PACKAGES)
	@mkdir -p $(@D)
	$(file >$@.new,$(DEBUG_PLAN))
	@sed -i '/^ *$$/d' $@.new && mv $@.new $@

.PHONY: debug-kernel check-debug
debug-kernel: $(DEBUG_KERNELS:%=$(O)/stamp/kernel-%)

check-debug: $(QEMU) $(DEBUG_IMAGES) $(O)/debug.plan | $(O)/stamp/packages-check
	$(Q)tests/check --plan $(O)/debug.plan --build $(O) --logs $(O)/check-debug $(if $(ONLY),--only '$(ONLY)')

# ---- a long one ------------------------------------------------------------------------------------

# The million jobs under faults and the million calls are for Debian's kernel; a debug kernel would take a day for them.
CAMPAIGN_SEED ?= 1
CAMPAIGN_JOBS ?= 126000
CAMPAIGN_DEBUG_JOBS ?= 12600
CAMPAIGN_FAULTS ?= 200
CAMPAIGN_DEBUG_LOSSES ?= 20
CAMPAIGN_CALLS ?= 1000000
CAMPAIGN_DEBUG_CALLS ?= 100000
CAMPAIGN_RELOADS ?= 100
# How often tasks, rings and devices end with commands of io_uring in flight, each; so many rounds of random jobs.
CAMPAIGN_ROUNDS ?= 1000
campaign campaign-plan: DEBUG_SEED = $(CAMPAIGN_SEED)
campaign campaign-plan: DEBUG_JOBS = $(CAMPAIGN_DEBUG_JOBS)
campaign campaign-plan: DEBUG_FAULTS = $(CAMPAIGN_FAULTS)
campaign campaign-plan: DEBUG_LOSSES = $(CAMPAIGN_DEBUG_LOSSES)
campaign campaign-plan: DEBUG_CALLS = $(CAMPAIGN_DEBUG_CALLS)
campaign campaign-plan: DEBUG_RELOADS = $(CAMPAIGN_RELOADS)

define CAMPAIGN_PLAN
guest xq-test-uring_end - - 14400 6.12 | $(xq-test-uring_end-vm) | XQ_TEST_ROUNDS=$(CAMPAIGN_ROUNDS) |
guest xq-test-uring_stress - - 7200 6.12 | | | -p 8 -n $(CAMPAIGN_ROUNDS) -s $(CAMPAIGN_SEED)
guest xq-test-stress-faults - - 7200 6.12 | | | -p 8 -n $(CAMPAIGN_JOBS) -m $(CAMPAIGN_FAULTS) -s $(CAMPAIGN_SEED) -f
guest xq-test-stress-losses - - 7200 6.12 | --cpus 1 | | -p 8 -n $(CAMPAIGN_DEBUG_JOBS) -m $(CAMPAIGN_FAULTS) -s $(CAMPAIGN_SEED) -l
guest xq-test-fuzz - - 7200 6.12 | | | -n $(CAMPAIGN_CALLS) -s $(CAMPAIGN_SEED)
guest xq-test-fuzz-unplug - - 7200 6.12 | --cpus 1 | | -n $(CAMPAIGN_DEBUG_CALLS) -s $(CAMPAIGN_SEED) -u
$(DEBUG_TESTS_PLAN)
endef

.PHONY: campaign campaign-plan
campaign-plan: | $(PACKAGES)
	@mkdir -p $(O)
	$(file >$(O)/campaign.plan.new,$(CAMPAIGN_PLAN))
	@sed '/^ *$$/d' $(O)/campaign.plan.new >$(O)/campaign.plan && rm $(O)/campaign.plan.new

campaign: $(QEMU) $(DEBUG_IMAGES) $(O)/image-6.12.cpio campaign-plan | $(O)/stamp/packages-check
	$(Q)tests/check --plan $(O)/campaign.plan --build $(O) --logs $(O)/campaign $(if $(ONLY),--only '$(ONLY)'); \
		status=$$?; tests/debug/figures.py $(O) $(O)/campaign; exit $$status

# ---- the part of it that `make check` runs ---------------------------------------------------------

CHECK_SCRIPTS += tests/debug/test_promises.py

CHECK_DEBUG_TESTS := xq-test-kunit xq-test-ioctl xq-test-submit xq-test-wait xq-test-cancel
debug_cached := $(if $(filter check,$(MAKECMDGOALS)),$(shell tests/setup/debug-kernel.sh --cached kasan 2>/dev/null))

define CHECK_DEBUG_PLAN
$(if $(debug_cached),$(foreach t,$(CHECK_DEBUG_TESTS),$(call debug_line,$(t),6.12-kasan)
),skip kernel-6.12-kasan - - 0 | | | the debug kernel is not in the cache: `make debug-kernel` builds it)
endef
