# SPDX-License-Identifier: MIT
#
# libggml-xqaccel.so: the device as a backend of ggml, for llama.cpp, whisper.cpp and whoever loads plugins of ggml. The
# library is within it, so that one file is enough.

XQ_GGML := $(XQ_LIB_DIR)/libggml-xqaccel.so

STATIC_LIBS += xqggml
xqggml-y := $(sort $(wildcard libxqaccel/ggml/*.c))
xqggml-libs := xqaccel
# GCC's ivdep, which other compilers may do without.
CFLAGS-libxqaccel/ggml/host.c := -Wno-unknown-pragmas
CFLAGS-libxqaccel/ggml/rope.c := -Wno-unknown-pragmas
CFLAGS-libxqaccel/ggml/float_product.c := -Wno-unknown-pragmas

# It stays when ggml lets go of it, be it because it refused it: threads of the software device run in it.
$(XQ_GGML): $(O)/obj/libxqggml.a $(XQ_ARCHIVES) libxqaccel/ggml/libggml-xqaccel.map $(O)/stamp/link-flags | $(PACKAGES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LINK-obj) $(LDFLAGS) -shared -Wl,-soname,$(@F) -Wl,--version-script,libxqaccel/ggml/libggml-xqaccel.map \
		-Wl,--no-undefined -Wl,-z,relro,-z,now,-z,nodelete -Wl,--gc-sections -o $@ \
		-Wl,--whole-archive $(O)/obj/libxqggml.a -Wl,--no-whole-archive $(XQ_ARCHIVES) $(xqaccel-ldlibs-obj) -lpthread -lm -ldl

LIB_TARGETS += $(XQ_GGML)

.PHONY: install-ggml
install-ggml: $(XQ_GGML)
	$(Q)install -D -m 644 $(XQ_GGML) $(DESTDIR)$(LIBDIR)/libggml-xqaccel.so
	$(Q)$(STRIP) --strip-unneeded $(DESTDIR)$(LIBDIR)/libggml-xqaccel.so

INSTALL_TARGETS += install-ggml
INSTALL_FILES += $(XQ_GGML:$(O)/%=%)
