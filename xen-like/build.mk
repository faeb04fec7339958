# SPDX-License-Identifier: MIT
#
# The hypervisor.  $(B)/tenon is what boot loaders load: the 64-bit image as ELF32, because multiboot1 loaders
# refuse ELF64.  $(B)/tenon-syms is the same image as ELF64 with symbols, for gdb.  The image is linked twice: the
# second time with the table of its own function names, which the backtraces use.

XL := $(B)/xen-like
XL_SRC := $(filter-out xen-like/cpu/offsets.c,$(sort $(wildcard xen-like/*/*.c xen-like/*/*.S)))
# The reader of kernel images is the toolstack's. Debug builds have keys that break the hypervisor on purpose.
XL_OBJ := $(patsubst xen-like/%,$(XL)/%.o,$(XL_SRC)) $(XL)/elf_image.c.o $(XL)/elf_notes.c.o \
    $(if $(DEBUG),$(XL)/fault_keys.c.o)

XL_CPPFLAGS := -nostdinc -isystem $(shell $(CC) -print-file-name=include) -I xen-like -I hypercall-abi -I $(XL) \
    -I xen-like/lib -I toolstack/build -D__XEN__ $(if $(DEBUG),-DDEBUG)
XL_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fPIE -mcmodel=small -fvisibility=hidden -mno-red-zone -mgeneral-regs-only \
    -fno-stack-protector -fcf-protection=none -mindirect-branch=thunk-extern -mindirect-branch-register \
    -fno-jump-tables -fno-omit-frame-pointer -fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-common \
    -Wall -Wextra -Wno-unused-parameter -Werror -Wstrict-prototypes -Wmissing-prototypes
XL_LDFLAGS := -m elf_x86_64 -nostdlib -static -z noexecstack -z max-page-size=4096 --build-id=none --orphan-handling=error

ALL += $(B)/tenon $(B)/tenon-syms

# Rebuilds everything here when the flags change (DEBUG=1 or not).
$(XL)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(XL_CPPFLAGS) $(XL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(XL_CPPFLAGS) $(XL_CFLAGS)' >$@

$(XL)/offsets.h: xen-like/cpu/offsets.c $(XL)/flags
	@echo "  GEN     $@"
	$(Q)$(CC) $(XL_CPPFLAGS) $(XL_CFLAGS) -MMD -MP -MT $@ -MF $(XL)/offsets.d -S -o $(XL)/offsets.s $<
	$(Q)sed -n 's/^.*@OFFSET \([A-Za-z0-9_]*\) \(-\?[0-9]*\).*/        .set    \1, \2/p' $(XL)/offsets.s >$@

define XL_COMPILE
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(XL_CPPFLAGS) $(XL_CFLAGS) -MMD -MP -c -o $@ $<
endef
$(XL)/%.c.o: xen-like/%.c $(XL)/flags
	$(XL_COMPILE)
$(XL)/elf_%.c.o: toolstack/build/elf_%.c $(XL)/flags
	$(XL_COMPILE)
$(XL)/fault_keys.c.o: tests/system/fault_keys.c $(XL)/flags
	$(XL_COMPILE)

$(XL)/%.S.o: xen-like/%.S $(XL)/flags $(XL)/offsets.h
	@echo "  AS      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(XL_CPPFLAGS) -D__ASSEMBLY__ -g -MMD -MP -c -o $@ $<

$(XL)/image.lds: xen-like/boot/image.lds $(XL)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(XL_CPPFLAGS) -D__ASSEMBLY__ -x c -E -P -MMD -MP -MT $@ -MF $(XL)/image.d -o $@ $<

$(XL)/pass1.elf: $(XL)/image.lds $(XL_OBJ)
	@echo "  LD      $@"
	$(Q)$(LD) $(XL_LDFLAGS) -T $(XL)/image.lds -o $@ $(XL_OBJ)

# As MiniOS has it.
$(XL)/symbols.o: $(XL)/pass1.elf minios/kernel/gen-symbols.py
	$(Q)nm $< >$(XL)/pass1.nm
	$(Q)$(PYTHON) minios/kernel/gen-symbols.py <$(XL)/pass1.nm >$(XL)/symbols.S
	$(Q)$(CC) -c -o $@ $(XL)/symbols.S

$(B)/tenon-syms: $(XL)/image.lds $(XL)/symbols.o $(XL_OBJ)
	@echo "  LD      $@"
	$(Q)$(LD) $(XL_LDFLAGS) -T $(XL)/image.lds -Map $(XL)/tenon.map -o $@ $(XL_OBJ) $(XL)/symbols.o

# Virtual addresses become the physical ones, which the loaders go by.
$(B)/tenon: $(B)/tenon-syms
	@echo "  ELF32   $@"
	$(Q)offset=0x$$(nm $< | sed -n 's/ A image_offset$$//p') && \
	    $(OBJCOPY) -S -O elf32-i386 --change-section-vma "*-$$offset" --change-start "-$$offset" $< $@

-include $(XL_OBJ:.o=.d) $(XL)/offsets.d $(XL)/image.d
