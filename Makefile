# SPDX-License-Identifier: MIT
#
# Every entry point a person types. `make help` lists them; V=1 shows the commands.
#
# Conventions for the fragments (*/build.mk) that are included below
# ------------------------------------------------------------------
# A fragment only sets variables; the rules at the end of this file turn them into targets.
# It may add rules of its own, with paths under $(O) and `| $(PACKAGES)` as order-only prerequisite
# of everything that runs a compiler (tests/setup/packages.list names the packages; groups: $(O)/stamp/packages-GROUP). All paths are relative to the top of the checkout.
#
# Variants. Every source file can be compiled in several variants; %.c becomes $(O)/VARIANT/%.o:
#	obj	the normal build, -fPIC, warnings on		asan	address + undefined sanitizer
#	tsan	thread sanitizer				fuzz	clang, libFuzzer + asan + ubsan
#	arm64	cross-compiled, run by qemu-aarch64
#	host	with ARCH= of another machine: what runs here all the same (QEMU, and what a build runs). $(HOST_VARIANT) is
#		host then and obj otherwise
# Extra flags of one file, in all variants or in one:
#	CFLAGS-emulator/kernels/product/avx2/dot_s8.c := -mavx2
#	CFLAGS-arm64-emulator/kernels/product/neon/dotprod.c := -march=armv8.2-a+dotprod
#
# Static libraries: $(O)/VARIANT/libNAME.a, each variant built when something needs it.
#	STATIC_LIBS += xqdevice
#	xqdevice-y := emulator/device/a.c ...		sources for every architecture
#	xqdevice-x86 := ...	xqdevice-arm64 := ...	sources for one architecture
#	xqdevice-libs := other static libraries it needs, by NAME	xqdevice-ldlibs := -lm
#	xqdevice-ldlibs-VARIANT := ...			in one variant
#
# Programs: $(O)/VARIANT/bin/NAME. A name is unique in the tree.
#	NAME-y, NAME-x86, NAME-arm64 := sources		NAME-libs := static libraries, by NAME
#	NAME-ldlibs := -lm (after -lpthread -lm, which are always there)
#	NAME-deps := other files that must exist before it is linked (a shared library's path)
# and one of these lists says what the program is:
#	PROGRAMS	just build it (`make tools` builds them all)
#	UNIT_TESTS	a host program that prints KTAP; `make check` runs it. UNIT_TESTS_asan, UNIT_TESTS_tsan,
#			UNIT_TESTS_arm64: run it (also) in that variant; the program may be in several lists
#	GUEST_TESTS	a program that prints KTAP, run in the VM on every kernel, installed as /tests/NAME
#	BENCHES		a benchmark, built by `make bench`
#	FUZZERS		a libFuzzer program (variant fuzz), run by `make fuzz` for FUZZ_SECONDS each,
#			corpus in tests/fuzz/corpus/NAME if that folder exists, and in NAME-seeds
#	NAME-timeout := seconds		for tests, default 900 on the host and 120 in a VM
#	NAME-args := arguments		for tests
#	NAME-env := VAR=value ...	for tests
#	NAME-vm := options of tests/vm/run	for GUEST_TESTS that need a VM of their own (device properties,
#			more devices, --iommu); tests with the same options share one VM
#	NAME-kernels := 6.12		for GUEST_TESTS, default: all of $(KERNELS)
# Other lists:
#	CHECK_SCRIPTS	executable files of the tree that print KTAP, run on the host by `make check`
#	CHECK_DEPS	files that must be built before `make check` runs its host tests
#	GUEST_BIN	files put into the guest: HOSTPATH (goes to /bin), HOSTPATH:GUESTPATH; shared libraries
#			that a program needs are found by ldd
#	GUEST_DEMO	the guest's command line that `make demo` runs
#	BOARD_PROGRAMS	programs that make kselftests links statically, into $(BOARD_FOLDER)
#	LIB_TARGETS TOOL_TARGETS BENCH_TARGETS FUZZ_TARGETS LAB_TARGETS DOCS_TARGETS INSTALL_TARGETS
#			prerequisites of make lib, tools, bench, fuzz, lab, docs, install
#			(install honours PREFIX and DESTDIR)
#	INSTALL_FILES	what install takes of $(O), by its path there; uninstall has empty files instead
#	BENCH_RUN	shell commands for `make bench` once everything it needs is built
#	QEMU_LIBS	static libraries, by NAME, linked into QEMU (variant obj); set by emulator/build.mk
# Include paths: <linux/xqaccel.h> (uapi), <xqaccel/...> (library); with quotes also the path from the top
# ("driver/xq_regs.h") or the bare name of a header in driver/, emulator/device/, emulator/kernels/.
# In recipes: $(Q) hides the command, $(call say,CC,$@) prints the short line.

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
SHELL := /bin/bash

HOST_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))
ARCH ?= $(HOST_ARCH)
override ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(ARCH)))
ifneq ($(ARCH),$(HOST_ARCH))
CROSS_COMPILE ?= $(patsubst arm64,aarch64,$(ARCH))-linux-gnu-
O ?= build/cross-$(ARCH)
PACKAGES-obj := $(O)/stamp/packages-cross-$(ARCH)
CROSS := $(ARCH)
HOST_VARIANT := host
# Debian's libraries for it, beside those that its compiler brings. With CROSS_LIBRARIES= what needs them is left out.
CROSS_LIBRARIES ?= $(if $(filter arm64,$(ARCH)),liburing libprotobuf-c libz)
ifneq ($(CROSS_LIBRARIES),)
PACKAGES-obj += $(O)/stamp/cross-libraries
FLAGS-obj := -isystem $(O)/cross-libraries/include
LINK-obj := -L$(O)/cross-libraries/lib -Wl,-rpath-link,$(O)/cross-libraries/lib
endif
endif
HOST_VARIANT ?= obj
O ?= build
V ?= 0
JOBS ?= $(shell nproc)
MAKEFLAGS += --jobs=$(JOBS)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
XQ_VECTORS ?= ../shared
export XQ_VECTORS
XQ_CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/xqaccel
export XQ_CACHE

# make separates names by spaces, and so does kbuild.
spaced = $(if $(word 2,$(subst $() ,x x,$(1))),$(error $(2) has a space in it, which make can't handle: '$(1)'; $(3)))
$(call spaced,$(CURDIR),this checkout's path,move it)
$(call spaced,$(O),O=,choose another)
$(call spaced,$(XQ_CACHE),the cache's path,set XDG_CACHE_HOME)
$(foreach v,PREFIX LIBDIR DESTDIR INSTALL_MOD_PATH,$(call spaced,$($(v)),$(v)=,choose another))

# A folder that had others' files before, or in which nothing was built, is not make's to remove.
ifneq ($(and $(filter clean distclean,$(MAKECMDGOALS)),$(filter-out file,$(origin O)),$(wildcard $(O))),)
$(if $(and $(wildcard $(O)/stamp),$(if $(wildcard $(O)/stamp/shared),,y)),,$(error $(O) may have files that make did not make: remove it yourself))
endif

# Before anything starts, because the last words of a make that has started are its own.
ifneq ($(filter-out help clean distclean,$(or $(MAKECMDGOALS),help)),)
misplaced := $(shell tests/setup/place.sh $(O))
$(if $(misplaced),$(error $(misplaced)))
endif

# Debian's newest kernel is tried on this architecture only; its first one for RISC-V is 6.12.
ifdef CROSS
KERNELS ?= $(if $(filter-out riscv64,$(ARCH)),6.1) 6.12
endif
ifndef KERNELS
KERNELS := $(shell grep -o '^[^\#[:space:]]*' tests/setup/kernels.list)
endif
KVER ?= 6.12
# Headers of a kernel of this system, or of a board's, instead.
kernel_wanted := a built kernel tree, or its headers
ifneq ($(filter modules_install,$(MAKECMDGOALS))$(findstring command,$(origin KDIR)),)
ifeq ($(origin KDIR),undefined)
$(if $(CROSS),$(error ARCH=$(ARCH) wants KDIR=, $(kernel_wanted)))
KDIR := /lib/modules/$(shell uname -r)/build
endif
$(if $(strip $(KDIR)),,$(error KDIR= is empty; it names $(kernel_wanted)))
override KVER := kdir
$(call spaced,$(KDIR),KDIR=,choose another)
# Links to it and kbuild itself look from elsewhere.
override KDIR := $(abspath $(KDIR))
ifeq ($(wildcard $(KDIR)/Makefile),)
# Packages have those of this machine's kernels, which are in /lib/modules by their release.
release := $(if $(CROSS),,$(word 3,$(subst /, ,$(filter /lib/modules/%,$(KDIR)))))
$(error no kernel's headers in $(KDIR); $(if $(release),apt-get install linux-headers-$(release),KDIR= names $(kernel_wanted)))
endif
endif

ifneq ($(filter default undefined,$(origin CC)),)
CC := $(CROSS_COMPILE)gcc
endif
ifneq ($(filter default undefined,$(origin AR)),)
AR := $(CROSS_COMPILE)ar
endif
CLANG ?= clang
CCACHE ?= CCACHE_DIR=$(XQ_CACHE)/ccache CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=2G ccache
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(if $(WERROR),-Werror)
XQ_CPPFLAGS := -D_GNU_SOURCE -I. -Iuapi -Ilibxqaccel/include \
	-iquote driver -iquote emulator/device -iquote emulator/kernels $(CPPFLAGS)
# The same object from every checkout, so that the caches of QEMU and of ccache hit in a fresh clone.
XQ_CFLAGS := -std=gnu11 $(CFLAGS) -ffile-prefix-map=$(CURDIR)=. -fPIC -fvisibility=hidden -fno-strict-aliasing $(WARNINGS)

VARIANTS := obj asan tsan fuzz arm64 $(CROSS:%=host)
CC-obj := $(CC)
CC-asan := $(CC)
CC-tsan := $(CC)
CC-fuzz := $(CLANG)
CC-host := gcc
AR-host := ar
ARCH-host := $(HOST_ARCH)
CC-arm64 := aarch64-linux-gnu-gcc
AR-arm64 := aarch64-linux-gnu-ar
# Frames in which gcc 14 looks for use after return do not have the alignment of its 64-byte vectors.
FLAGS-asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	$(if $(findstring clang,$(CC)),,--param=asan-use-after-return=0)
FLAGS-tsan := -O1 -fno-omit-frame-pointer -fsanitize=thread
FLAGS-fuzz := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK-fuzz := -fsanitize=fuzzer,address,undefined
ARCH-arm64 := arm64

ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
else
Q :=
say = @:
endif
export V Q

# Stamps: the Debian packages of a group are there. Order-only prerequisites of all that runs a tool.
PACKAGES := $(O)/stamp/packages-base
PACKAGES-arm64 := $(O)/stamp/packages-check
PACKAGES-fuzz := $(O)/stamp/packages-fuzz

# Fragments name it as a prerequisite, so it comes before them.
QEMU_TARGET := $(patsubst x86,x86_64,$(patsubst arm64,aarch64,$(ARCH)))
QEMU := $(O)/qemu/qemu-system-$(QEMU_TARGET)

-include emulator/build.mk
-include libxqaccel/build.mk
-include libxqaccel/ggml/build.mk
-include tests/unit/build.mk
-include tests/kselftest/build.mk
-include tests/debug/build.mk
-include tests/kunit/build.mk
-include tests/packages/build.mk
-include tests/static/build.mk
-include tests/bench/build.mk
-include tests/lab/build.mk
-include tests/fuzz/build.mk
-include tests/vectors/build.mk
-include tests/clients/build.mk
include tests/vm/build.mk
-include Documentation/build.mk

##@ Entry points

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z_-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@printf '\n%s\n%s\n' 'Variables: V=1 (show commands), O=DIR (output), KVER=6.1|6.12|newest, KDIR=HEADERS, KERNELS=, XQ_VECTORS=DIR, QEMU_SRC=DIR, VM_OPTIONS=,' \
		'  PREFIX= DESTDIR= (install), ARCH=arm64 CROSS_COMPILE=, FUZZ_SECONDS=, ONLY=REGEX (check), WERROR=1'

.PHONY: demo demo-llm check acceptance shell
demo: $(QEMU) $(O)/demo-$(KVER).cpio ## Boot a VM with the accelerator and run the main job on real input
	$(Q)tests/vm/run --arch $(ARCH) --kernel $(KVER) --build $(O) --image demo --timeout 300 $(VM_OPTIONS) \
		--command '$(GUEST_DEMO)'

demo-llm: $(XQ_GGML) $(QEMU) $(O)/demo-$(KVER).cpio | $(O)/stamp/packages-check ## llama.cpp generates text on the CPU, on soft and in the VM
	$(Q)tests/clients/demo_llm.sh $(O) $(KVER)

demo-soft: ## The same on the software device, without a VM

check: $(CHECK_PROGRAMS) $(CHECK_DEPS) $(O)/check.plan | $(O)/stamp/packages-check ## Run every test (ONLY=REGEX: some)
	$(Q)tests/check --plan $(O)/check.plan --build $(O) --arch $(ARCH) $(if $(ONLY),--only '$(ONLY)')

acceptance: ## Run the acceptance of xq, on the software device and in the VM (SETS=)
check-debug: ## Run the tests of the driver on kernels that tell every mistake
check-packages: ## Install, use and purge the Debian packages in fresh systems (as root; PACKAGE_RELEASES=)
check-fresh: ## Clone and run `make demo` in fresh systems with git and make (as root; PACKAGE_RELEASES=, FRESH='make check')
lint: ## Run the kernel's checkers of source over the driver (checkpatch, kernel-doc, coccicheck)
campaign: ## A long run of fuzzer, faults and refusals (CAMPAIGN_JOBS=, CAMPAIGN_CALLS=, CAMPAIGN_RELOADS=, CAMPAIGN_ROUNDS=, CAMPAIGN_SEED=)

shell: $(QEMU) $(O)/image-$(KVER).cpio ## Boot the same VM to a prompt (`poweroff -f` leaves it)
	$(Q)tests/vm/run --arch $(ARCH) --kernel $(KVER) --build $(O) $(VM_OPTIONS) --shell

##@ Pieces

.PHONY: setup qemu module image lib tools
setup: $(PACKAGES) $(O)/stamp/packages-check $(KERNELS:%=$(O)/stamp/kernel-%) ## Install and fetch what the others need (they do it themselves)
	$(Q)tests/setup/fetch-qemu.sh >/dev/null
	$(Q)tests/setup/fetch-meson.sh >/dev/null

debug-kernel: ## Build these kernels (some minutes, once)
qemu: $(QEMU) ## Build QEMU with the device
module: $(O)/module-$(KVER)/xqaccel.ko ## Build the driver for kernel KVER, or for the headers in KDIR
image: $(IMAGES) ## Make the guest's images
lib: $(LIB_TARGETS) ## Build libxqaccel
kselftests: ## Build the driver's tests for a board: copy O/kselftests there, `run` runs them (ARCH=, KDIR=)
tools: lib $(TOOL_TARGETS) $(PROGRAMS:%=$(O)/obj/bin/%) ## Build xq and the examples

##@ Measure and explore

.PHONY: bench fuzz lab docs
bench: $(BENCHES:%=$(O)/obj/bin/%) $(BENCH_TARGETS) ## Measure the kernels against the machine's limit and other libraries
	$(Q)$(BENCH_RUN)

bench-doc: ## Put the last run of all rows into Documentation/performance.rst

fuzz: $(FUZZERS:%=run-fuzz-%) $(FUZZ_TARGETS) ## Fuzz every parser and the device core, FUZZ_SECONDS each

lab: $(LAB_TARGETS) ## Accuracy and size of the models at 8, 4, 2 and 1 bits

docs: $(DOCS_TARGETS) ## Build the documentation

run-fuzz-%: $(O)/fuzz/bin/%
	$(call say,FUZZ,$*)
	$(Q)mkdir -p $(O)/fuzz/corpus/$* $(O)/fuzz/crash/$*
	$(Q)$($*-env) $< -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$(O)/fuzz/crash/$*/ -print_final_stats=1 \
		$(O)/fuzz/corpus/$* $(wildcard tests/fuzz/corpus/$*) $($*-seeds) >$(O)/fuzz/$*.log 2>&1 \
		|| { tail -n 40 $(O)/fuzz/$*.log; exit 1; }
	$(Q)grep -hE 'stat::number_of_executed_units|^programs:' $(O)/fuzz/$*.log | sed 's/^/          /'

##@ House keeping

deb: ## Build the Debian packages of driver, library and tools (O/deb)

.PHONY: install uninstall clean distclean
modules_install: ## Install the driver for the running kernel, or that of KDIR (INSTALL_MOD_PATH=)
install: $(INSTALL_TARGETS) ## Install the library, tools and manual pages into DESTDIR/PREFIX

# What would be installed is the one list of what was. Its names are enough, so nothing is built for it.
uninstall: ## Remove what install puts there (the same DESTDIR, PREFIX and LIBDIR)
	$(Q)copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && mkdir "$$copy/root" && \
		for file in $(INSTALL_FILES); do install -D /dev/null "$$copy/built/$$file" || exit; done && \
		$(MAKE) --no-print-directory install O="$$copy/built" DESTDIR="$$copy/root" STRIP=: -o lib \
			$(INSTALL_FILES:%=-o "$$copy/built/%") >/dev/null && cd "$$copy/root" && \
		find . ! -type d -printf '%P\0' | (cd $(abspath $(DESTDIR))/ && xargs -0 rm -f) && \
		find . -depth -type d -path '*/*xqaccel*' -printf '%P\0' | (cd $(abspath $(DESTDIR))/ && \
			xargs -0 -r sh -c 'for folder; do [ ! -d "$$folder" ] || rmdir --ignore-fail-on-non-empty "$$folder"; done' sh)

clean: ## Remove everything built in this checkout
	rm -rf $(O)

distclean: clean ## Also remove the cache of downloads and builds
	rm -rf $(XQ_CACHE)

# ---- set-up ---------------------------------------------------------------------------------------

$(O)/stamp/packages-base: tests/setup/packages.list
	$(Q)mkdir -p $(@D)
	$(Q)tests/setup/packages.sh base
	$(Q)touch $@

# One apt at a time: the other groups wait for the first.
$(O)/stamp/packages-%: tests/setup/packages.list | $(PACKAGES)
	$(Q)mkdir -p $(@D)
	$(Q)flock $(O)/stamp tests/setup/packages.sh $*
	$(Q)touch $@

$(O)/stamp/cross-libraries: tests/setup/fetch-cross-libraries.sh | $(PACKAGES)
	$(Q)mkdir -p $(@D)
	$(Q)folder=$$(tests/setup/fetch-cross-libraries.sh $(ARCH)) && ln -sfn "$$folder" $(O)/cross-libraries
	$(Q)touch $@

# $(call lies_in_cache,STAMP,FILE): the stamp says nothing once the cache is gone that the file was in.
lies_in_cache = $(if $(wildcard $(O)/$(2)),,$(eval $(O)/$(1): FORCE))
$(foreach k,$(KERNELS) $(DEBUG_KERNELS),$(call lies_in_cache,stamp/kernel-$(k),kernel-$(k)/release))
$(call lies_in_cache,stamp/cross-libraries,cross-libraries/lib)
$(call lies_in_cache,stamp/i386-libraries,i386/libraries/lib)
$(foreach p,peers runtimes,$(call lies_in_cache,bench/$(p)/stamp,bench/$(p)/fetched/versions))

# ---- rules made from the lists -------------------------------------------------------------------

ALL_PROGRAMS := $(sort $(PROGRAMS) $(UNIT_TESTS) $(UNIT_TESTS_asan) $(UNIT_TESTS_tsan) $(UNIT_TESTS_arm64) \
	$(GUEST_TESTS) $(DEBUG_TESTS) $(BENCHES) $(FUZZERS))

# Rewritten when a flag changes, so that objects never mix two sets of flags. Nothing else may be in it: `sudo make install`
# has another home, and must not compile again.
FLAGS_TEXT := $(foreach v,$(sort $(filter CFLAGS CFLAGS-% FLAGS-% CC-% XQ_CPPFLAGS XQ_CFLAGS,$(.VARIABLES))),$(v)=$($(v)))
$(O)/stamp/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS_TEXT)' | cmp -s - $@ || printf '%s\n' '$(FLAGS_TEXT)' >$@

# The same for what programs are linked with.
LINK_TEXT := $(foreach v,$(sort $(filter LDFLAGS LINK-%,$(.VARIABLES))),$(v)=$($(v)))
$(O)/stamp/link-flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(LINK_TEXT)' | cmp -s - $@ || printf '%s\n' '$(LINK_TEXT)' >$@

.PHONY: FORCE
FORCE:

arch_of = $(or $(ARCH-$(1)),$(ARCH))
objects_of = $(addprefix $(O)/$(2)/,$(addsuffix .o,$(basename $($(1)-y) $($(1)-$(call arch_of,$(2))))))
archives_of = $(foreach l,$($(1)-libs),$(O)/$(2)/lib$(l).a $(call archives_of,$(l),$(2)))
ldlibs_of = $($(1)-ldlibs) $($(1)-ldlibs-$(2)) $(foreach l,$($(1)-libs),$(call ldlibs_of,$(l),$(2)))

$(QEMU): $(qemu_archives)

# Variant, suffix of the source.
define compile_rule
$(O)/$(1)/%.o: %$(2) $(O)/stamp/flags | $(PACKAGES) $(PACKAGES-$(1))
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CCACHE) $(CC-$(1)) $(XQ_CPPFLAGS) $(XQ_CFLAGS) $(FLAGS-$(1)) $$(CFLAGS-$$*$(2)) $$(CFLAGS-$(1)-$$*$(2)) \
		-MMD -MP -c -o $$@ $$<
endef
$(foreach v,$(VARIANTS),$(foreach s,.c .S,$(eval $(call compile_rule,$(v),$(s)))))

# The archive also depends on the fragments, because its list of objects comes from them.
define archive_rule
$(O)/$(2)/lib$(1).a: $(call objects_of,$(1),$(2)) $(wildcard */build.mk)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@
	$$(Q)$(or $(AR-$(2)),$(AR)) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(STATIC_LIBS),$(foreach v,$(VARIANTS),$(eval $(call archive_rule,$(l),$(v)))))

# Program, variant, file, more of the linker's flags.
define program_rule
$(3): $(call objects_of,$(1),$(2)) $(sort $(call archives_of,$(1),$(2))) $(O)/stamp/link-flags | $($(1)-deps) $(PACKAGES)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(CC-$(2)) $(CFLAGS) $(FLAGS-$(2)) $(4) $(LINK-$(2)) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) \
		$(call archives_of,$(1),$(2)) $(call ldlibs_of,$(1),$(2)) -lpthread -lm
endef
$(foreach p,$(ALL_PROGRAMS),$(foreach v,$(VARIANTS),$(eval $(call program_rule,$(p),$(v),$(O)/$(v)/bin/$(p)))))
$(foreach p,$(BOARD_PROGRAMS),$(eval $(call program_rule,$(p),obj,$(BOARD_FOLDER)/$(p),-static -s)))

-include $(foreach v,$(VARIANTS),$(patsubst %.o,%.d,$(sort \
	$(foreach p,$(STATIC_LIBS) $(ALL_PROGRAMS),$(call objects_of,$(p),$(v))))))
