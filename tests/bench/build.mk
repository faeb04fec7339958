# SPDX-License-Identifier: MIT
#
# The benchmark: one guest, run as Domain-0 of Tenon and of Debian's Xen 4.17, counts the instructions of
# each path of the hypervisor.  `make bench` prints the two tables and writes $(B)/bench/results.json;
# REPEAT=n runs each machine n times (2 unless told), and the runs must agree to the instruction.

BENCH := $(B)/bench
BENCH_OBJS := $(patsubst tests/bench/%.c,$(BENCH)/%.o,$(wildcard tests/bench/*.c)) $(BENCH)/entries.o

$(BENCH)/%.o: tests/bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@
$(BENCH)/entries.o: tests/bench/entries.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -D__ASSEMBLY__ -MMD -MP -c $< -o $@
# The first thing that the guest does is to read the counter: hence the wrap.
$(BENCH)/guest: $(BENCH_OBJS) $(GUEST_LIB_OBJS) tests/guests/lib/guest.ld
	@echo "  GUEST   $@"
	$(Q)$(LD) -nostdlib -static -z noexecstack -z max-page-size=4096 --build-id=none --wrap=guest_start \
	    -T tests/guests/lib/guest.ld -o $@ $(filter %.o,$^)
$(BENCH)/start: tests/bench/start.S
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -c $< -o $@.o
	$(Q)$(LD) -m elf_i386 -nostdlib -static -z noexecstack -N --no-warn-rwx-segments --build-id=none \
	    -Ttext 0x100000 -o $@ $@.o
-include $(BENCH_OBJS:.o=.d)

.PHONY: bench
#: make bench      count the instructions of each path on Tenon and on Xen 4.17 (REPEAT=n)
bench: $(BENCH)/guest $(BENCH)/start $(B)/tenon $(ORACLE_XEN)
	+@$(PYTHON) tests/bench/bench.py --build $(B) $(REPEAT:%=--repeat %)
