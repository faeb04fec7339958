# SPDX-License-Identifier: MIT
#
# The test guests, $(B)/guests/NAME from tests/guests/NAME.c and the framework in lib/, and the `oracle` verb,
# which runs each on Debian's Xen 4.17 and on Tenon.  `make oracle H=xen` or H=tenon runs one hypervisor,
# G="traps events" some guests; J is the number of machines at a time.

GUEST_NAMES := $(patsubst tests/guests/%.c,%,$(wildcard tests/guests/*.c))
GUEST_IMAGES := $(GUEST_NAMES:%=$(B)/guests/%)
GUEST_LIB_OBJS := $(patsubst tests/guests/lib/%.c,$(B)/guests/lib/%.o,$(wildcard tests/guests/lib/*.c)) \
    $(B)/guests/lib/start.o

GUEST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -ffreestanding -nostdinc \
    -isystem $(shell $(CC) -print-file-name=include) -I hypercall-abi -I tests/guests/lib \
    -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie \
    -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common

$(GUEST_NAMES:%=$(B)/guests/%.o): $(B)/guests/%.o: tests/guests/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@
$(B)/guests/lib/%.o: tests/guests/lib/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@
$(B)/guests/lib/%.o: tests/guests/lib/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -D__ASSEMBLY__ -MMD -MP -c $< -o $@
$(GUEST_IMAGES): %: %.o $(GUEST_LIB_OBJS) tests/guests/lib/guest.ld
	@echo "  GUEST   $@"
	$(Q)$(LD) -nostdlib -static -z noexecstack -z max-page-size=4096 --build-id=none \
	    -T tests/guests/lib/guest.ld -o $@ $(filter %.o,$^)
-include $(GUEST_NAMES:%=$(B)/guests/%.d) $(GUEST_LIB_OBJS:.o=.d)

# The reference hypervisor, from Debian's package.
ORACLE_XEN := $(B)/oracle/xen
$(ORACLE_XEN): $(THIRD)/xen-hypervisor-4.17-amd64/.done
	@mkdir -p $(@D)
	$(Q)gzip -dc $(<D)/boot/xen-4.17-amd64.gz >$@

# A Domain-0 for it: Debian's stock Linux with Xen's own tools, whose libraries are this machine's.
ORACLE_UTILS := $(THIRD)/xen-utils-4.17/usr/lib/xen-4.17/bin
ORACLE_TOOLS := $(foreach t,xl xenstored xenconsoled xen-init-dom0,$(ORACLE_UTILS)/$t)
ORACLE_MODULES := xen-evtchn xen-privcmd xen-gntdev xen-gntalloc xenfs/xenfs
ORACLE_MODULES_DIR := $(THIRD)/linux-image-amd64/lib/modules/*/kernel/drivers/xen
ORACLE_DOM0 := $(B)/oracle/dom0.cpio
$(ORACLE_DOM0): tests/guests/dom0-init toolstack/make-cpio.py \
    $(foreach p,xen-utils-4.17 linux-image-amd64 busybox-static,$(THIRD)/$p/.done)
	@echo "  CPIO    $@"
	@mkdir -p $(@D)
	$(Q)$(PYTHON) toolstack/make-cpio.py $@ init=$< bin/busybox=$(THIRD)/busybox-static/bin/busybox \
	    $(foreach t,$(ORACLE_TOOLS),usr/lib/xen-4.17/bin/$(notdir $t)=$t) \
	    lib/libgcc_s.so.1=$(shell $(CC) -print-file-name=libgcc_s.so.1) \
	    $(foreach m,$(ORACLE_MODULES),modules/$(notdir $m).ko=$$(echo $(ORACLE_MODULES_DIR)/$m.ko)) \
	    $$(ldd $(ORACLE_TOOLS) | sed -n 's|^.* => /\([^ ]*\) .*|\1=/\1|p; s|^\s*/\(lib64[^ ]*\) .*|\1=/\1|p' | \
	    sort -u)

# What is made in it, and in Tenon's Domain-0: the images that guests.txt marks, stripped, each with its
# configuration.
ORACLE_GUESTS := $(B)/oracle/guests
ORACLE_GUEST_NAMES := $(shell sed -n 's/^\([a-z0-9]*\) .* guest$$/\1/p' tests/guests/guests.txt)
$(ORACLE_GUEST_NAMES:%=$(ORACLE_GUESTS)/%): $(ORACLE_GUESTS)/%: $(B)/guests/%
	@mkdir -p $(@D)
	$(Q)strip -o $@ $<
$(ORACLE_GUEST_NAMES:%=$(ORACLE_GUESTS)/%.cfg): $(ORACLE_GUESTS)/%.cfg: tests/guests/build.mk
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'name = "$*"' 'kernel = "/guests/$*"' 'memory = 64' 'maxmem = 66' 'vcpus = 2' \
	    "cmdline = 'one two=2 \"three\"'" 'on_poweroff = "preserve"' 'on_crash = "preserve"' >$@
ORACLE_GUEST_FILES := $(foreach g,$(ORACLE_GUEST_NAMES),$(ORACLE_GUESTS)/$g $(ORACLE_GUESTS)/$g.cfg)
$(B)/oracle/guests.cpio: toolstack/make-cpio.py tests/guests/guests.txt $(ORACLE_GUEST_FILES)
	@echo "  CPIO    $@"
	$(Q)$(PYTHON) toolstack/make-cpio.py $@ $(foreach f,$(ORACLE_GUEST_FILES),guests/$(notdir $f)=$f)

ORACLE_XEN_FILES := $(ORACLE_XEN) $(ORACLE_DOM0) $(B)/linux/vmlinux
ORACLE_DEPS := $(GUEST_IMAGES) $(B)/oracle/guests.cpio $(if $(filter tenon,$(H)),,$(ORACLE_XEN_FILES)) \
    $(if $(filter xen,$(H)),,$(B)/tenon $(B)/minios/dom0)
TEST_DEPS += $(GUEST_IMAGES) $(B)/oracle/guests.cpio $(ORACLE_XEN_FILES)

guests: $(GUEST_IMAGES)
.PHONY: guests
#: make oracle     run each test guest on Xen 4.17 and on Tenon, show the differences (H=xen, G="traps events")
oracle: $(ORACLE_DEPS)
	+@TENON_BUILD=$(B) $(PYTHON) tests/guests/oracle.py --build $(B) $(if $(H),--only $(H)) $(G:%=--guest %) $(J:%=--jobs %)
