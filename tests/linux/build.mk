# SPDX-License-Identifier: MIT
#
# Linux as Debian ships it, and RAM disks that it boots into, for tests and for the benchmark:
#     $(B)/linux/vmlinuz                  the stock kernel as it is in its package
#     $(B)/linux/vmlinux                  the stock kernel's ELF image, which a hypervisor takes as Domain-0
#     $(B)/linux/ramdisk.cpio             init, busybox for 64 and 32 bits, and the scripts of tests/linux/guest
#     $(B)/linux/stress.cpio              the same, and stress-ng with its libraries

LINUX := $(B)/linux
LINUX_VMLINUX := $(LINUX)/vmlinux

$(LINUX)/vmlinuz: $(THIRD)/linux-image-amd64/.done
	@mkdir -p $(@D)
	$(Q)cp $(<D)/boot/vmlinuz-* $@
$(LINUX_VMLINUX): $(LINUX)/vmlinuz tests/linux/vmlinux.py
	@echo "  UNPACK  $@"
	$(Q)$(PYTHON) tests/linux/vmlinux.py $< $@

# -- RAM disks: PATH=FILE each -------------------------------------------------------------------------------

LINUX_BUSYBOX := $(THIRD)/busybox-static/bin/busybox
LINUX_BUSYBOX_I386 := $(THIRD)/busybox-static-i386/bin/busybox
LINUX_RAMDISK_FILES := init=tests/linux/init bin/busybox=$(LINUX_BUSYBOX) \
    bin/busybox-i386=$(LINUX_BUSYBOX_I386) \
    $(foreach f,$(wildcard tests/linux/guest/*),tests/$(notdir $f)=$f)
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
LINUX_FILES = $(foreach f,$(1),$(lastword $(subst =, ,$f)))

$(LINUX)/ramdisk.cpio: toolstack/make-cpio.py tests/linux/build.mk $(call LINUX_FILES,$(LINUX_RAMDISK_FILES))
	$(call LINUX_CPIO,$(LINUX_RAMDISK_FILES))
# A library's file is known by its name in the ABI, a link in its package's lib folder.
$(LINUX)/stress.cpio: $(LINUX)/ramdisk.cpio $(LINUX_STRESS_DONE)
	$(call LINUX_CPIO,$(LINUX_RAMDISK_FILES) $(LINUX_LIBC_FILES) \
	    bin/stress-ng=$(THIRD)/stress-ng/usr/bin/stress-ng \
	    $$(cd $(THIRD) && find $(LINUX_STRESS_PACKAGES) -path '*/x86_64-linux-gnu/lib*.so.*[0-9]' \
	    -printf 'lib/%f=$(THIRD)/%p\n' | grep '^lib/lib[^=]*\.so\.[0-9]*='))

TEST_DEPS += $(LINUX_VMLINUX) $(LINUX)/ramdisk.cpio $(LINUX)/stress.cpio
