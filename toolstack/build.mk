# SPDX-License-Identifier: MIT
#
# The toolstack has no program of its own here: its sources are part of Domain-0's image
# (minios/apps/dom0/build.mk) and of the unit tests on the host.
#     $(B)/dom0-ramdisk.cpio      Domain-0's RAM disk: guest images and their configurations in /guests
#     $(B)/toolstack/unit-test    toolstack/tests, under sanitizers
#     $(B)/toolstack/store-test   toolstack/tests/store, the same for the xenstore daemon

TOOL_SRCS := $(wildcard toolstack/lib/*.c toolstack/build/*.c toolstack/console/*.c toolstack/store/*.c \
    toolstack/cli/*.c)

# -- Domain-0's RAM disk -------------------------------------------------------------------------------------

TOOL_GRUB := $(THIRD)/grub-xen-host/usr/lib/grub-xen/grub-x86_64-xen.bin
TOOL_CONFIGS := $(wildcard toolstack/guests/*.cfg)
TOOL_RAMDISK_FILES := $(foreach f,$(TOOL_CONFIGS),guests/$(notdir $f)=$f) guests/hello=$(B)/minios/hello \
    guests/hello.gz=$(B)/minios/hello.gz guests/grub-x86_64-xen.bin=$(TOOL_GRUB)
$(TOOL_GRUB): $(THIRD)/grub-xen-host/.done ;

$(B)/dom0-ramdisk.cpio: toolstack/make-cpio.py $(foreach f,$(TOOL_RAMDISK_FILES),$(lastword $(subst =, ,$f)))
	@echo "  CPIO    $@"
	$(Q)$(PYTHON) toolstack/make-cpio.py $@ $(TOOL_RAMDISK_FILES)

ALL += $(B)/dom0-ramdisk.cpio

# -- Unit tests on the host ----------------------------------------------------------------------------------

# Beside the libraries that Domain-0 has: the packing half of zlib, and LZ4 to compare our decoder with.
TOOL_LZ4 := $(THIRD)/lz4/lib
TOOL_TEST_LIB_SRCS := $(UNPACK_SRCS) $(addprefix $(TOOL_ZLIB)/,deflate.c trees.c) $(TOOL_LZ4)/lz4.c
$(addprefix $(TOOL_ZLIB)/,deflate.c trees.c): $(THIRD)/zlib/.done ;
$(TOOL_LZ4)/lz4.c: $(THIRD)/lz4/.done ;

TOOL_TEST_SRCS := $(TOOL_SRCS) $(wildcard toolstack/tests/*.c) minios/apps/dom0/lineedit.c \
    minios/apps/dom0/tokens.c
TOOL_TEST_OBJS := $(TOOL_TEST_SRCS:%.c=$(B)/toolstack/test/%.o)
TOOL_TEST_LIB_OBJS := $(TOOL_TEST_LIB_SRCS:%.c=$(B)/toolstack/test/%.o)
TOOL_TEST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
TOOL_TEST_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror -fno-omit-frame-pointer -pthread \
    $(TOOL_TEST_SANITIZE) -D__XEN_TOOLS__ -I hypercall-abi $(UNPACK_INCLUDES) -isystem $(TOOL_LZ4)

$(B)/toolstack/test/%.o: %.c | $(UNPACK_READY) $(THIRD)/lz4/.done
	@echo "  CC      $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TOOL_TEST_CFLAGS) -MMD -MP -c $< -o $@

# The libraries read numbers where they lie, aligned or not.
$(B)/toolstack/test/$(THIRD)/%.o: TOOL_TEST_CFLAGS += $(UNPACK_CFLAGS) -fno-sanitize=alignment

$(B)/toolstack/unit-test: $(TOOL_TEST_OBJS) $(TOOL_TEST_LIB_OBJS)
	@echo "  LINK    $@"
	$(Q)$(CC) -pthread $(TOOL_TEST_SANITIZE) -o $@ $^

TOOL_STORE_TEST_OBJS := $(patsubst %.c,$(B)/toolstack/test/%.o,\
    $(wildcard toolstack/store/*.c toolstack/tests/store/*.c) toolstack/tests/tap.c)
$(B)/toolstack/store-test: $(TOOL_STORE_TEST_OBJS)
	@echo "  LINK    $@"
	$(Q)$(CC) $(TOOL_TEST_SANITIZE) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^

# Debian's xenstored runs as an ordinary program on this library under the names of Xen's, and our store beside it.
TOOL_ORACLE_SHIM := $(B)/toolstack/oracle-shim
$(TOOL_ORACLE_SHIM)/.done: toolstack/tests/oracle/shim.c
	@echo "  CC      $(@D)"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O1 -Wall -Wextra -Werror -shared -fPIC -o $(@D)/shim.so $<
	$(Q)for name in libxenevtchn.so.1 libxengnttab.so.1 libxenctrl.so.4.17; do ln -sf shim.so $(@D)/$$name; done
	$(Q)touch $@

TOOL_SERVE_OBJS := $(patsubst %.c,$(B)/toolstack/test/%.o,$(wildcard toolstack/store/*.c) \
    toolstack/tests/oracle/serve.c)
$(B)/toolstack/store-serve: $(TOOL_SERVE_OBJS)
	@echo "  LINK    $@"
	$(Q)$(CC) $(TOOL_TEST_SANITIZE) -o $@ $^
-include $(B)/toolstack/test/toolstack/tests/oracle/serve.d
TEST_DEPS += $(B)/toolstack/store-serve $(TOOL_ORACLE_SHIM)/.done $(THIRD)/xen-utils-4.17/.done

# GRUB's image, packed in every way.
$(B)/toolstack/samples.done: toolstack/tests/samples.py $(TOOL_GRUB)
	@echo "  GEN     $(B)/toolstack/samples"
	$(Q)mkdir -p $(@D)
	$(Q)$(PYTHON) toolstack/tests/samples.py $(B)/toolstack/samples $(TOOL_GRUB)
	$(Q)touch $@

TEST_DEPS += $(B)/toolstack/unit-test $(B)/toolstack/store-test $(B)/toolstack/samples.done
-include $(TOOL_TEST_OBJS:.o=.d) $(TOOL_STORE_TEST_OBJS:.o=.d)
