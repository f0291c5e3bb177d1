# SPDX-License-Identifier: MIT
#
# `make lab`: size, error and accuracy of the float models under each way of quantizing weights.
# LAB_ARGS are passed on, e.g. LAB_ARGS='-m mnist-8 -b 2'.

PROGRAMS += lab
lab-y := $(sort $(wildcard tests/lab/*.c)) $(XQ_NPY_SOURCES)
lab-libs := xqaccel
$(foreach f,convolution product infer fit calibrated solve,$(eval CFLAGS-tests/lab/$(f).c := -O3))

LAB_TARGETS += run-lab
.PHONY: run-lab
run-lab: $(O)/obj/bin/lab
	$(Q)$< -o $(O)/lab $(LAB_ARGS)
