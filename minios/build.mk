# SPDX-License-Identifier: MIT
#
# MiniOS: newlib from Debian's source package, the kernel, drivers and glue as libminios.a, and each folder of
# minios/apps as an image:
#     $(B)/minios/X        stripped ELF64, what a domain builder loads; $(B)/minios/X.gz the same, gzip'd
#     $(B)/minios/X.elf    with symbols, for gdb and objdump
# An app is minios/apps/X/*.c. Its build.mk, if there is one, is read here and may set
#     MINIOS_APP_X_SRCS    more sources, from anywhere in the tree
#     MINIOS_APP_X_CFLAGS  more compiler flags for all of the app's sources

MINIOS_NEWLIB := $(B)/newlib/x86_64-elf
MINIOS_NEWLIB_DONE := $(B)/newlib/.done
MINIOS_GCC_INCLUDE := $(shell $(CC) -print-file-name=include)

# gcc's own headers come first, then the glue's (sys/dirent.h), then newlib's; no host headers.
MINIOS_CPPFLAGS := -nostdinc -isystem $(MINIOS_GCC_INCLUDE) -isystem minios/newlib/include \
    -isystem $(MINIOS_NEWLIB)/include -I minios/include -I hypercall-abi -D__DYNAMIC_REENT__ \
    -D__XEN_INTERFACE_VERSION__=0x00040e00 -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix \
    -Uunix
# Event upcalls push on the running thread's stack: no red zone. Backtraces follow frame pointers.
MINIOS_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror -mno-red-zone -fno-omit-frame-pointer -fno-pic \
    -fno-pie -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -ffunction-sections \
    -fdata-sections -mcmodel=small
# The kernel runs in upcalls too, which do not save the FPU.
MINIOS_KERNEL_CFLAGS := -mgeneral-regs-only

MINIOS_LIBS = $(MINIOS_NEWLIB)/lib/libc.a $(MINIOS_NEWLIB)/lib/libm.a $(shell $(CC) -print-libgcc-file-name)
MINIOS_LD := $(LD) -nostdlib -static --gc-sections -z noexecstack -z max-page-size=4096 \
    -T minios/kernel/minios.lds

MINIOS_KERNEL_SRCS := $(filter-out %/asm-offsets.c,$(wildcard minios/kernel/*.c))
MINIOS_KERNEL_OBJS := $(MINIOS_KERNEL_SRCS:%.c=$(B)/%.o) $(B)/minios/kernel/entry.o
MINIOS_DRIVER_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard minios/drivers/*.c))
MINIOS_GLUE_OBJS := $(patsubst %.c,$(B)/%.o,$(wildcard minios/newlib/*.c))
MINIOS_APPS := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard minios/apps/*/*.c)))))
-include $(wildcard minios/apps/*/build.mk)

# newlib has no dependencies worth tracking: it is rebuilt when its source or the way it is built changes.
$(MINIOS_NEWLIB_DONE): $(THIRD)/newlib-source/.done minios/newlib/build-newlib.sh
	@echo "  NEWLIB  $(B)/newlib (about a minute)"
	$(Q)sh minios/newlib/build-newlib.sh $(THIRD)/newlib-source/usr/src/newlib/newlib-*.tar.xz $(B)/newlib $(CC)

$(B)/minios/kernel/%.o: minios/kernel/%.c $(MINIOS_NEWLIB_DONE)
	@echo "  CC      $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(MINIOS_CPPFLAGS) $(MINIOS_CFLAGS) $(MINIOS_KERNEL_CFLAGS) -MMD -MP -c $< -o $@

# Drivers have event handlers, too.
$(B)/minios/drivers/%.o: minios/drivers/%.c $(MINIOS_NEWLIB_DONE)
	@echo "  CC      $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(MINIOS_CPPFLAGS) $(MINIOS_CFLAGS) $(MINIOS_KERNEL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/minios/newlib/%.o: minios/newlib/%.c $(MINIOS_NEWLIB_DONE)
	@echo "  CC      $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(MINIOS_CPPFLAGS) $(MINIOS_CFLAGS) -MMD -MP -c $< -o $@

# Numbers that assembly shares with C: the compiler computes them, sed picks them out.
$(B)/minios/kernel/asm-offsets.h: minios/kernel/asm-offsets.c $(MINIOS_NEWLIB_DONE)
	@echo "  GEN     $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(MINIOS_CPPFLAGS) $(MINIOS_CFLAGS) -MMD -MP -MF $(@:.h=.d) -MT $@ -S $< -o $(@:.h=.s)
	$(Q)sed -n 's/^@define \([A-Z0-9_]*\) /#define \1 /p' $(@:.h=.s) >$@

$(B)/minios/kernel/entry.o: minios/kernel/entry.S $(B)/minios/kernel/asm-offsets.h
	@echo "  AS      $@"
	$(Q)$(CC) -I $(@D) -MMD -MP -c $< -o $@

$(B)/minios/libminios.a: $(MINIOS_KERNEL_OBJS) $(MINIOS_DRIVER_OBJS) $(MINIOS_GLUE_OBJS)
	@echo "  AR      $@"
	$(Q)rm -f $@
	$(Q)$(AR) rcsD $@ $^

# One app: its objects, and the two links. The first link tells where each function is; the second adds the
# table of names, which moves no function (checked).
define MINIOS_APP_RULES
MINIOS_APP_$(1)_OBJS := $$(patsubst %.c,$$(B)/minios/app-$(1)/%.o,$$(wildcard minios/apps/$(1)/*.c) \
    $$(MINIOS_APP_$(1)_SRCS))

$$(B)/minios/app-$(1)/%.o: %.c $$(MINIOS_NEWLIB_DONE)
	@echo "  CC      $$@"
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(MINIOS_CPPFLAGS) $$(MINIOS_CFLAGS) $$(MINIOS_APP_$(1)_CFLAGS) \
	    -MMD -MP -c $$< -o $$@

$$(B)/minios/$(1).elf: $$(MINIOS_APP_$(1)_OBJS) $$(B)/minios/libminios.a minios/kernel/minios.lds \
    minios/kernel/gen-symbols.py
	@echo "  LINK    $$@"
	$$(Q): | $$(PYTHON) minios/kernel/gen-symbols.py $(1) >$$@.names0.s
	$$(Q)$$(CC) -c $$@.names0.s -o $$@.names0.o
	$$(Q)$$(MINIOS_LD) -o $$@.pass1 $$(MINIOS_APP_$(1)_OBJS) $$@.names0.o \
	    --start-group $$(B)/minios/libminios.a $$(MINIOS_LIBS) --end-group
	$$(Q)nm -n $$@.pass1 >$$@.nm1
	$$(Q)$$(PYTHON) minios/kernel/gen-symbols.py $(1) <$$@.nm1 >$$@.names.s
	$$(Q)$$(CC) -c $$@.names.s -o $$@.names.o
	$$(Q)$$(MINIOS_LD) -o $$@ $$(MINIOS_APP_$(1)_OBJS) $$@.names.o \
	    --start-group $$(B)/minios/libminios.a $$(MINIOS_LIBS) --end-group
	$$(Q)nm -n $$@ | $$(PYTHON) minios/kernel/gen-symbols.py $(1) | cmp -s - $$@.names.s || \
	    { echo "$$@: the second link moved functions; their names would be wrong" >&2; rm -f $$@; exit 1; }
	$$(Q)rm -f $$@.pass1 $$@.nm1 $$@.names*

$$(B)/minios/$(1): $$(B)/minios/$(1).elf
	$$(Q)$$(OBJCOPY) --strip-all $$< $$@

$$(B)/minios/$(1).gz: $$(B)/minios/$(1)
	$$(Q)gzip -9nc $$< >$$@

ALL += $$(B)/minios/$(1) $$(B)/minios/$(1).gz
-include $$(MINIOS_APP_$(1)_OBJS:.o=.d)
endef
$(foreach app,$(MINIOS_APPS),$(eval $(call MINIOS_APP_RULES,$(app))))

-include $(MINIOS_KERNEL_OBJS:.o=.d) $(MINIOS_DRIVER_OBJS:.o=.d) $(MINIOS_GLUE_OBJS:.o=.d) $(B)/minios/kernel/asm-offsets.d
