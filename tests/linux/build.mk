# SPDX-License-Identifier: MIT
#
# Linux as Debian ships it, and RAM disks that it boots into, for tests and for the benchmark:
#     $(B)/linux/vmlinuz, vmlinuz-cloud   the stock and the cloud kernel as they are in their packages
#     $(B)/linux/vmlinux                  the stock kernel's ELF image, which a hypervisor takes as Domain-0
#     $(B)/linux/ramdisk.cpio             init, busybox for 64 and 32 bits, forks.c, scripts of tests/linux/guest
#     $(B)/linux/stress.cpio.gz           the same, and stress-ng with its libraries
#     $(B)/linux/grub-linux               GRUB for PV guests with the kernel and a RAM disk in it
#     $(B)/linux/dom0-ramdisk.cpio        Domain-0's RAM disk with all of these as guests, tests/linux/configs
#     $(B)/tenon-linux.iso                the CD image of `make run-linux`

LINUX := $(B)/linux
LINUX_DOM0_MEMORY := 128
LINUX_VMLINUX := $(LINUX)/vmlinux

$(LINUX)/vmlinuz: $(THIRD)/linux-image-amd64/.done
$(LINUX)/vmlinuz-cloud: $(THIRD)/linux-image-cloud-amd64/.done
$(LINUX)/vmlinuz $(LINUX)/vmlinuz-cloud:
	@mkdir -p $(@D)
	$(Q)cp $(<D)/boot/vmlinuz-* $@
$(LINUX_VMLINUX): $(LINUX)/vmlinuz tests/linux/vmlinux.py
	@echo "  UNPACK  $@"
	$(Q)$(PYTHON) tests/linux/vmlinux.py $< $@

# -- RAM disks: PATH=FILE each -------------------------------------------------------------------------------

LINUX_BUSYBOX := $(THIRD)/busybox-static/bin/busybox
LINUX_BUSYBOX_I386 := $(THIRD)/busybox-static-i386/bin/busybox
LINUX_RAMDISK_FILES := init=tests/linux/init bin/busybox=$(LINUX_BUSYBOX) \
    bin/busybox-i386=$(LINUX_BUSYBOX_I386) bin/forks=$(LINUX)/forks \
    $(foreach f,$(wildcard tests/linux/guest/*),tests/$(notdir $f)=$f)
$(LINUX)/forks: tests/linux/forks.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static $< -o $@
$(LINUX_BUSYBOX): $(THIRD)/busybox-static/.done ;
$(LINUX_BUSYBOX_I386): $(THIRD)/busybox-static-i386/.done ;

# Programs that are linked dynamically find their libraries in /lib: the C library is this machine's own.
LINUX_LIBC_FILES := lib64/ld-linux-x86-64.so.2=$(shell $(CC) -print-file-name=ld-linux-x86-64.so.2) \
    $(foreach l,libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0,lib/$l=$(shell $(CC) -print-file-name=$l))

LINUX_STRESS_PACKAGES := $(shell sed -n '/libraries that stress-ng/,$$s/^\([a-z][^ ]*\) .*/\1/p' \
    tests/lib/third-party.txt)
LINUX_STRESS_DONE := $(foreach p,stress-ng $(LINUX_STRESS_PACKAGES),$(THIRD)/$p/.done)

# $(call LINUX_CPIO,PATH=FILE...): the recipe of a RAM disk.
define LINUX_CPIO
@echo "  CPIO    $@"
@mkdir -p $(@D)
$(Q)$(PYTHON) toolstack/make-cpio.py $@ $(1)
endef
define LINUX_GZIP_CPIO
@echo "  CPIO    $@"
$(Q)$(PYTHON) toolstack/make-cpio.py $@.plain $(1)
$(Q)gzip -9nc $@.plain >$@ && rm $@.plain
endef
LINUX_FILES = $(foreach f,$(1),$(lastword $(subst =, ,$f)))

$(LINUX)/ramdisk.cpio: toolstack/make-cpio.py tests/linux/build.mk $(call LINUX_FILES,$(LINUX_RAMDISK_FILES))
	$(call LINUX_CPIO,$(LINUX_RAMDISK_FILES))
# A library's file is known by its name in the ABI, a link in its package's lib folder.
$(LINUX)/stress.cpio.gz: $(LINUX)/ramdisk.cpio $(LINUX_STRESS_DONE)
	$(call LINUX_GZIP_CPIO,$(LINUX_RAMDISK_FILES) $(LINUX_LIBC_FILES) \
	    bin/stress-ng=$(THIRD)/stress-ng/usr/bin/stress-ng \
	    $$(cd $(THIRD) && find $(LINUX_STRESS_PACKAGES) -path '*/x86_64-linux-gnu/lib*.so.*[0-9]' \
	    -printf 'lib/%f=$(THIRD)/%p\n' | grep '^lib/lib[^=]*\.so\.[0-9]*='))

# -- Linux as a guest ---------------------------------------------------------------------------------------

LINUX_GRUB := $(THIRD)/grub-xen-bin
$(LINUX)/grub-linux: $(LINUX_GRUB)/.done tests/linux/grub-linux.cfg $(LINUX)/vmlinuz $(LINUX)/ramdisk.cpio
	@echo "  GRUB    $@"
	$(Q)grub-mkstandalone -d $(LINUX_GRUB)/usr/lib/grub/x86_64-xen -O x86_64-xen -o $@ \
	    --locales= --fonts= --themes= --install-modules='linux memdisk tar xzio normal' \
	    boot/grub/grub.cfg=tests/linux/grub-linux.cfg vmlinuz=$(LINUX)/vmlinuz ramdisk.cpio=$(LINUX)/ramdisk.cpio >$@.log 2>&1 || { cat $@.log >&2; exit 1; }

# What a person gets, and what the tests have beside it.
LINUX_DOM0_FILES := $(TOOL_RAMDISK_FILES) guests/vmlinuz=$(LINUX)/vmlinuz \
    guests/linux.cpio=$(LINUX)/ramdisk.cpio \
    $(foreach f,$(wildcard tests/linux/configs/*.cfg),guests/$(notdir $f)=$f)
LINUX_TEST_FILES := $(LINUX_DOM0_FILES) guests/vmlinuz-cloud=$(LINUX)/vmlinuz-cloud \
    guests/grub-linux=$(LINUX)/grub-linux guests/stress.cpio.gz=$(LINUX)/stress.cpio.gz
$(LINUX)/dom0-ramdisk.cpio: $(call LINUX_FILES,$(LINUX_DOM0_FILES))
	$(call LINUX_CPIO,$(LINUX_DOM0_FILES))
$(LINUX)/test-ramdisk.cpio: $(call LINUX_FILES,$(LINUX_TEST_FILES))
	$(call LINUX_CPIO,$(LINUX_TEST_FILES))

# The CD image: as build/tenon.iso, with more memory for Domain-0, which unpacks the kernel.
$(LINUX)/grub.cfg: tests/lib/grub.cfg
	@mkdir -p $(@D)
	$(Q)sed 's/dom0_mem=[0-9]*M/dom0_mem=$(LINUX_DOM0_MEMORY)M/' $< >$@
$(B)/tenon-linux.iso: $(LINUX)/grub.cfg $(B)/tenon $(B)/minios/dom0 $(LINUX)/dom0-ramdisk.cpio
	$(call MAKE_ISO,$(call ISO_FILES,$<,$(LINUX)/dom0-ramdisk.cpio))

.PHONY: run-linux
#: make run-linux  boot it with Debian's stock Linux as a guest, hand the guest's shell to the terminal
run-linux: $(B)/tenon-linux.iso
	+@TENON_BUILD=$(B) $(PYTHON) tests/lib/run.py --iso $< --linux --memory 1024

TEST_DEPS += $(LINUX_VMLINUX) $(LINUX)/ramdisk.cpio $(LINUX)/stress.cpio.gz $(LINUX)/test-ramdisk.cpio

# A part of `make soak`: a hundred lives of a Linux guest, on one CPU and on four.
.PHONY: soak-linux-life
soak-linux-life: $(ALL) $(LINUX)/test-ramdisk.cpio
	+@TENON_BUILD=$(B) LIFE=100 FORKS=60000 tests/linux/life.t
soak: soak-linux-life
