# SPDX-License-Identifier: GPL-2.0
#
# Tests of what is pure in the driver: KUnit suites in a module of their own for the debug kernels, and the same sources
# as a program of the host under the sanitizers. The driver's sources are compiled into both.

KUNIT_DRIVER := driver/job_check.c driver/queue.c driver/scheduler.c driver/fair.c
KUNIT_SOURCES := $(addprefix tests/kunit/, geometry_test.c job_check_test.c queue_test.c fair_test.c scheduler_test.c \
	shares_test.c doubles.c)

UNIT_TESTS_asan += test_driver
test_driver-y := $(KUNIT_DRIVER) $(KUNIT_SOURCES) tests/kunit/host_main.c

# What has no suite of the kernel's, because it would be a double of itself there.
UNIT_TESTS_asan += test_power
test_power-y := driver/power.c tests/kunit/power_test.c

# For the host each of the kernel's headers is tests/kunit/host.h.
kunit_headers := $(addprefix $(O)/kunit-include/, kunit/test.h trace/define_trace.h $(sort $(filter-out linux/types.h linux/xqaccel.h linux/errno.h, \
	$(shell sed -n 's/^\#include <\(linux\/.*\)>/\1/p' driver/*.[ch] tests/kunit/*_test.c 2>/dev/null))))
$(kunit_headers):
	$(Q)mkdir -p $(@D)
	$(Q)echo '#include "tests/kunit/host.h"' >$@
$(foreach f,$(test_driver-y) $(test_power-y),$(eval CFLAGS-$(f) := -include tests/kunit/host.h -include tests/kunit/no_trace.h -I$(O)/kunit-include -Wno-unused-parameter))
$(foreach f,$(test_driver-y) $(test_power-y),$(eval $(O)/asan/$(f:.c=.o): | $(kunit_headers)))

# What the module needs besides.
KUNIT_LINKED := $(addprefix tests/kunit/, doubles.h no_trace.h Kbuild)

# The module, in a tree of links as the driver's.
$(DEBUG_KERNELS:%=$(O)/kunit-%/xqaccel_kunit.ko): $(O)/kunit-%/xqaccel_kunit.ko: $(wildcard driver/*.[ch] uapi/linux/*.h) $(KUNIT_SOURCES) \
		$(KUNIT_LINKED) $(O)/stamp/kernel-%
	$(call say,KBUILD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)find $(@D) -type l -delete
	$(Q)$(call link_driver,$(@D)) && ln -sf $(addprefix $(CURDIR)/,$(KUNIT_SOURCES) $(KUNIT_LINKED)) $(@D)/
	$(Q)$(kbuild) -j$(JOBS) -C $(O)/kernel-$*/build \
		M=$(abspath $(@D)) $(KBUILD_FLAGS) modules
	$(Q)touch -c $@

# What only the images of debug kernels have.
$(foreach k,$(DEBUG_KERNELS),$(eval IMAGE_FILES-$(k) += $(O)/kunit-$(k)/xqaccel_kunit.ko:/lib/modules/xqaccel_kunit.ko))
$(foreach k,$(DEBUG_KERNELS),$(eval $(O)/image-$(k).cpio: $(O)/kunit-$(k)/xqaccel_kunit.ko))
