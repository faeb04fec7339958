# SPDX-License-Identifier: MIT
#
# The fuzzer of the domain builder, $(B)/fuzz/builder-fuzz: the builder's own files, as the toolstack's unit
# tests compile them, on MiniOS's image, GRUB's in every packing, and Debian's two kernels (xz and LZ4).

BUILDER_FUZZ_SRCS := $(wildcard tests/fuzz/builder/*.c) toolstack/tests/tap.c \
    $(filter-out toolstack/build/builder.c,$(wildcard toolstack/build/*.c)) \
    toolstack/lib/file.c toolstack/lib/error.c
BUILDER_FUZZ_OBJS := $(BUILDER_FUZZ_SRCS:%.c=$(B)/toolstack/test/%.o)

$(B)/fuzz/builder-fuzz: $(BUILDER_FUZZ_OBJS) $(TOOL_TEST_LIB_OBJS)
	@echo "  LINK    $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(TOOL_TEST_SANITIZE) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -o $@ $^
-include $(BUILDER_FUZZ_OBJS:.o=.d)

TEST_DEPS += $(B)/fuzz/builder-fuzz $(B)/toolstack/samples.done $(B)/minios/hello $(B)/linux/vmlinuz \
    $(B)/linux/vmlinuz-cloud
