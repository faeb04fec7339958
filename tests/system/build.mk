# SPDX-License-Identifier: MIT
#
# What the system tests boot beside the artefacts of `all`: Domain-0's RAM disk with more files in it.

SYSTEM_DIR := $(B)/tests/system

$(SYSTEM_DIR)/files.done: tests/system/images.py toolstack/tests/samples.py
	@echo "  GEN     $(SYSTEM_DIR)/files"
	$(Q)rm -rf $(SYSTEM_DIR)/files
	$(Q)$(PYTHON) tests/system/images.py $(SYSTEM_DIR)/files
	$(Q)touch $@

$(SYSTEM_DIR)/ramdisk.cpio: $(B)/dom0-ramdisk.cpio $(SYSTEM_DIR)/files.done $(SYSTEM_DIR)/storeguest \
    tests/system/store.cfg
	@echo "  CPIO    $@"
	$(Q)$(PYTHON) toolstack/make-cpio.py $@ $(TOOL_RAMDISK_FILES) guests/storeguest=$(SYSTEM_DIR)/storeguest \
	    guests/store.cfg=tests/system/store.cfg \
	    $$(cd $(SYSTEM_DIR)/files && find . -type f -printf '%P=$(SYSTEM_DIR)/files/%P\n' | sort)

# hello-xen.t also uses $(B)/oracle/xen, Debian's Xen 4.17 as tests/guests unpacks it.
TEST_DEPS += $(SYSTEM_DIR)/ramdisk.cpio $(B)/oracle/xen

# The guest that isolation.t looks at from outside, that of store.t, and one that computes for matrix.t.
SYSTEM_GUESTS := spin storeguest checksum
$(SYSTEM_GUESTS:%=$(SYSTEM_DIR)/%.o): $(SYSTEM_DIR)/%.o: tests/system/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@
$(SYSTEM_GUESTS:%=$(SYSTEM_DIR)/%): %: %.o $(GUEST_LIB_OBJS) tests/guests/lib/guest.ld
	@echo "  GUEST   $@"
	$(Q)$(LD) -nostdlib -static -z noexecstack -z max-page-size=4096 --build-id=none \
	    -T tests/guests/lib/guest.ld -o $@ $(filter %.o,$^)
-include $(SYSTEM_GUESTS:%=$(SYSTEM_DIR)/%.d)
TEST_DEPS += $(SYSTEM_DIR)/spin

# Domain-0's RAM disk with test guests in /tests, stripped, each with a config.
RAMDISK_GUESTS := $(FUZZ_GUEST) $(SYSTEM_DIR)/checksum $(B)/guests/wreck
$(SYSTEM_DIR)/stripped/%.cfg:
	@mkdir -p $(@D)
	$(Q)printf 'name = "%s"\nkernel = "/tests/%s"\nmemory = 32\non_poweroff = "preserve"\non_crash = "preserve"\n' \
	    $* $* >$@
$(SYSTEM_DIR)/guests.cpio: $(B)/dom0-ramdisk.cpio $(RAMDISK_GUESTS) \
    $(patsubst %,$(SYSTEM_DIR)/stripped/%.cfg,$(notdir $(RAMDISK_GUESTS)))
	@echo "  CPIO    $@"
	$(Q)for g in $(RAMDISK_GUESTS); do strip -o $(SYSTEM_DIR)/stripped/$${g##*/} $$g || exit 1; done
	$(Q)$(PYTHON) toolstack/make-cpio.py $@ $(TOOL_RAMDISK_FILES) \
	    $(foreach g,$(notdir $(RAMDISK_GUESTS)),tests/$g=$(SYSTEM_DIR)/stripped/$g \
        tests/$g.cfg=$(SYSTEM_DIR)/stripped/$g.cfg)
TEST_DEPS += $(SYSTEM_DIR)/guests.cpio

# A part of `make soak`: the life of 2,000 domains, one after the other.
.PHONY: soak-life
soak-life: $(ALL)
	+@TENON_BUILD=$(B) CREATED=2000 tests/system/leak.t
soak: soak-life
