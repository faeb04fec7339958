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

# -- Linux: the same kernel and programs bare, on Xen and on Tenon --------------------------------------------

BENCH_LINUX_OBJS := $(patsubst tests/bench/linux/%.c,$(BENCH)/linux/%.o,$(wildcard tests/bench/linux/*.c))
$(BENCH)/linux/%.o: tests/bench/linux/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -MMD -MP -c $< -o $@
$(BENCH)/linux/linux-bench: $(BENCH_LINUX_OBJS)
	@echo "  LINK    $@"
	$(Q)$(CC) -static -o $@ $^
-include $(BENCH_LINUX_OBJS:.o=.d)

# What the row "compile" compiles: a file of zlib, with its headers in it.
$(BENCH)/linux/source.c: $(TOOL_ZLIB)/.done
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P $(<D)/deflate.c -o $@
$(BENCH)/linux/ramdisk.cpio: $(LINUX)/ramdisk.cpio $(BENCH)/linux/linux-bench $(BENCH)/linux/source.c $(THIRD)/tcc/.done
	$(call LINUX_CPIO,$(LINUX_RAMDISK_FILES) $(LINUX_LIBC_FILES) bin/tcc=$(THIRD)/tcc/usr/bin/tcc \
	    bench/linux-bench=$(BENCH)/linux/linux-bench bench/source.c=$(BENCH)/linux/source.c)

BENCH_LINUX_DEPS := $(BENCH)/linux/ramdisk.cpio $(LINUX_VMLINUX) $(BENCH)/start $(B)/tenon $(ORACLE_XEN)

.PHONY: bench-linux
#: make bench-linux count what stock Linux and its programs execute bare, on Xen 4.17 and on Tenon (REPEAT=n)
bench-linux: $(BENCH_LINUX_DEPS)
	+@$(PYTHON) tests/bench/bench_linux.py --build $(B) $(REPEAT:%=--repeat %)

.PHONY: bench
#: make bench      count the instructions of each path on Tenon and on Xen 4.17; then bench-linux (REPEAT=n)
bench: $(BENCH)/guest $(BENCH_LINUX_DEPS)
	+@status=0; $(PYTHON) tests/bench/bench.py --build $(B) $(REPEAT:%=--repeat %) || status=1; \
	$(PYTHON) tests/bench/bench_linux.py --build $(B) $(REPEAT:%=--repeat %) || status=1; exit $$status
