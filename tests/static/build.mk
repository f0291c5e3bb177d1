# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own tools for source, over the driver: `make lint` runs all of them, `make check` those that are quick.

CHECK_SCRIPTS += tests/static/kernel_doc.sh tests/static/checkpatch.sh tests/static/devicetree.sh
kernel_doc.sh-args := $(O)
CHECK_SCRIPTS += tests/static/call_graph.py tests/static/clang.sh
clang.sh-args := $(O)
call_graph.py-args := $(O)/module-6.12
CHECK_DEPS += $(O)/module-6.12/xqaccel.ko

define LINT_PLAN
host kernel_doc.sh - tests/static/kernel_doc.sh $(HOST_TIMEOUT) | | | $(O)
host checkpatch.sh - tests/static/checkpatch.sh $(HOST_TIMEOUT) | | |
host coccicheck.sh - tests/static/coccicheck.sh $(HOST_TIMEOUT) | | |
endef

$(O)/lint.plan: FORCE
	@mkdir -p $(@D)
	$(file >$@,$(LINT_PLAN))@:

.PHONY: lint
lint: $(O)/lint.plan $(O)/stamp/kernel-6.12 | $(O)/stamp/packages-check $(O)/stamp/packages-lint
	$(Q)tests/check --plan $(O)/lint.plan --build $(O) --logs $(O)/lint $(if $(ONLY),--only '$(ONLY)')
