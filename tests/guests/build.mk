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

ORACLE_DEPS := $(GUEST_IMAGES) $(if $(filter tenon,$(H)),,$(ORACLE_XEN)) $(if $(filter xen,$(H)),,$(B)/tenon)
TEST_DEPS += $(GUEST_IMAGES) $(ORACLE_XEN)

guests: $(GUEST_IMAGES)
.PHONY: guests
#: make oracle     run each test guest on Xen 4.17 and on Tenon, show the differences (H=xen, G="traps events")
oracle: $(ORACLE_DEPS)
	+@$(PYTHON) tests/guests/oracle.py --build $(B) $(if $(H),--only $(H)) $(G:%=--guest %) $(J:%=--jobs %)
