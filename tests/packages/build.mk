# SPDX-License-Identifier: GPL-2.0
#
# The Debian packages: a part in `make check`, and as their users meet them.

PACKAGE_RELEASES ?= bookworm trixie

CHECK_SCRIPTS += tests/packages/test_dkms.sh
test_dkms.sh-args := $(O) 6.12
CHECK_DEPS += $(O)/stamp/kernel-6.12

.PHONY: check-packages
check-packages: $(QEMU) $(KERNELS:%=$(O)/stamp/kernel-%) | $(O)/stamp/packages-check $(O)/stamp/packages-chroot
	$(Q)tests/check --plan $(O)/packages.plan --build $(O) --logs $(O)/packages --jobs 1 $(if $(ONLY),--only '$(ONLY)')

define PACKAGES_PLAN
host test_dkms.sh - tests/packages/test_dkms.sh 900 | | | $(O) $(KERNELS)
$(foreach r,$(PACKAGE_RELEASES),host $(r) - tests/packages/check.sh 3600 | | | $(O) $(r)
)
endef

$(O)/packages.plan: FORCE
	@mkdir -p $(@D)
	$(file >$@,$(PACKAGES_PLAN))@sed -i '/^ *$$/d' $@
check-packages: $(O)/packages.plan

# What is typed in a fresh system.
FRESH ?= make demo

.PHONY: check-fresh
check-fresh: | $(O)/stamp/packages-chroot
	$(Q)for release in $(PACKAGE_RELEASES); do tests/packages/fresh.sh $(O) $$release '$(FRESH)' || exit; done
