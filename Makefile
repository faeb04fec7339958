# SPDX-License-Identifier: MIT
#
# Every verb that a person needs (`make help` lists them).  This one make reads the build.mk of each area, so that
# dependencies are whole and -j is safe; an area appends what it makes to ALL, and what its tests need to
# TEST_DEPS.
#
#   V=1        show the commands             DEBUG=1      build the hypervisor with assertions
#   NOINSTALL=1  never install packages      PIN=strict   fail when a Debian source is not the pinned one

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += -rR --output-sync=target
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

B := build
Q := $(if $(V),,@)
ifneq ($(filter default undefined,$(origin CC)),)
CC := gcc
endif
ifneq ($(filter default undefined,$(origin CXX)),)
CXX := g++
endif
AR := ar
LD := ld
OBJCOPY := objcopy
PYTHON := /usr/bin/python3
export LC_ALL := C.UTF-8
export PYTHONDONTWRITEBYTECODE := 1

# What a goal needs before anything else is built: the Debian packages.  As an included makefile it is brought
# up to date first, whatever the goal, but for those that build nothing.
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),all)),)
include $(B)/packages.mk
endif

ALL :=
TEST_DEPS :=
# Debian packages, fetched and unpacked below THIRD by tests/lib/fetch.py (rules in tests/build.mk).
THIRD := $(B)/third-party
include hypercall-abi/build.mk
include xen-like/build.mk
include minios/build.mk
include toolstack/build.mk
include tests/build.mk

.PHONY: all clean help run test oracle FORCE
all: $(ALL) $(B)/tenon.iso

$(B)/packages.mk: FORCE
	@sh tests/lib/packages.sh tests/lib/packages.txt $@

# The CD image that users boot: GRUB for BIOS and for UEFI, the hypervisor, Domain-0 and its RAM disk.
# $(call MAKE_ISO,PATH=FILE...) is the recipe of such an image, $(call ISO_FILES,MENU,RAMDISK) what is on it.
ISO_FILES = boot/grub/grub.cfg=$(1) boot/tenon=$(B)/tenon boot/dom0=$(B)/minios/dom0 \
    boot/dom0-ramdisk.cpio=$(2)
define MAKE_ISO
@echo "  ISO     $@"
$(Q)grub-mkrescue -o $@ --modules='multiboot2 serial' --locales= --fonts= --themes= $(1) >$@.log 2>&1 || \
    { cat $@.log >&2; echo "$@: grub-mkrescue failed, see above" >&2; exit 1; }
endef
$(B)/tenon.iso: tests/lib/grub.cfg $(B)/tenon $(B)/minios/dom0 $(B)/dom0-ramdisk.cpio
	$(call MAKE_ISO,$(call ISO_FILES,$<,$(B)/dom0-ramdisk.cpio))

# A line with + keeps its output live and, as the last command to run, the terminal.
run: $(B)/tenon.iso
	+@TENON_BUILD=$(B) $(PYTHON) tests/lib/run.py --iso $(B)/tenon.iso

clean:
	rm -rf $(B)

# Lines that begin with "#:" in this file and in those that it includes are the verbs.
#: make            build all into build/: tenon, tenon-syms, tenon.iso, minios/*, dom0-ramdisk.cpio
#: make run        boot build/tenon.iso in QEMU, run the demo, hand Domain-0's prompt to the terminal
#: make clean      remove build/
help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)
	@echo "Options: V=1 shows commands, DEBUG=1 adds assertions, NOINSTALL=1 installs no packages,"
	@echo "         PIN=strict refuses Debian sources whose hash is not the pinned one"
