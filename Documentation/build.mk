# SPDX-License-Identifier: MIT
#
# `make docs`: HTML by Sphinx; a warning is an error.

DOCS_HTML := $(O)/docs/index.html

$(DOCS_HTML): $(wildcard Documentation/*.rst Documentation/*.svg Documentation/*.csv Documentation/conf.py libxqaccel/examples/ring.c) | $(O)/stamp/packages-docs
	$(call say,SPHINX,$(@D))
	$(Q)/usr/bin/python3 -m sphinx -q -W --keep-going -b html -d $(O)/docs-cache Documentation $(@D)
	$(Q)touch $@

DOCS_TARGETS += $(DOCS_HTML)
