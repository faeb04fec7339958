# SPDX-License-Identifier: MIT
#
# The hypercall fuzzer, $(B)/fuzz/hypercalls: a guest from tests/fuzz/*.c on the framework of tests/guests/lib.
# Its test and `make soak` run it on a hypervisor with assertions, built beside the normal one.

FUZZ_OBJS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%.o,$(wildcard tests/fuzz/*.c))
FUZZ_GUEST := $(B)/fuzz/hypercalls
FUZZ_TENON := $(if $(DEBUG),$(B)/tenon,$(B)/debug/tenon)

$(FUZZ_OBJS): $(B)/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -I tests/fuzz -MMD -MP -c $< -o $@
$(FUZZ_GUEST): $(FUZZ_OBJS) $(GUEST_LIB_OBJS) tests/guests/lib/guest.ld
	@echo "  GUEST   $@"
	$(Q)$(LD) -nostdlib -static -z noexecstack -z max-page-size=4096 --build-id=none \
	    -T tests/guests/lib/guest.ld -o $@ $(filter %.o,$^)
-include $(FUZZ_OBJS:.o=.d)

# The same rules once more, with assertions and below another root.
ifndef DEBUG
$(B)/debug/tenon: FORCE
	+@$(MAKE) --no-print-directory DEBUG=1 B=$(B)/debug NOINSTALL=1 $@
endif

TEST_DEPS += $(FUZZ_GUEST) $(FUZZ_TENON)

.PHONY: soak
#: make soak       random hypercalls for a long time (MINUTES=30, SEED=n)
soak: $(FUZZ_GUEST) $(FUZZ_TENON) $(B)/minios/dom0 $(B)/tests/system/guests.cpio
	+@TENON_BUILD=$(B) $(PYTHON) tests/fuzz/soak.py --tenon $(FUZZ_TENON) --guest $(FUZZ_GUEST) \
	    --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED))
