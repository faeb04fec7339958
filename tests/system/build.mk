# SPDX-License-Identifier: MIT
#
# What the system tests boot beside the artefacts of `all`: Domain-0's RAM disk with more files in it.

SYSTEM_DIR := $(B)/tests/system

$(SYSTEM_DIR)/files.done: tests/system/images.py
	@echo "  GEN     $(SYSTEM_DIR)/files"
	$(Q)rm -rf $(SYSTEM_DIR)/files
	$(Q)$(PYTHON) tests/system/images.py $(SYSTEM_DIR)/files
	$(Q)touch $@

$(SYSTEM_DIR)/ramdisk.cpio: $(B)/dom0-ramdisk.cpio $(SYSTEM_DIR)/files.done
	@echo "  CPIO    $@"
	$(Q)$(PYTHON) toolstack/make-cpio.py $@ $(TOOL_RAMDISK_FILES) \
	    $$(cd $(SYSTEM_DIR)/files && find . -type f -printf '%P=$(SYSTEM_DIR)/files/%P\n' | sort)

# hello-xen.t also uses $(B)/oracle/xen, Debian's Xen 4.17 as tests/guests unpacks it.
TEST_DEPS += $(SYSTEM_DIR)/ramdisk.cpio $(B)/oracle/xen
