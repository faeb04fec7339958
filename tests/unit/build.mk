# SPDX-License-Identifier: MIT
#
# Host unit tests: the hypervisor's own files, unedited, compiled for the host under sanitizers. tests/unit/fake/
# stands before xen-like/ in the include path, and so replaces the headers with inline assembly; tests of mm/ and grant/
# put tests/unit/fake-mm/ before that. Each test is $(B)/unit/NAME, from tests/unit/NAME.c and its UNIT_SRC_NAME,
# and tests/unit/NAME.t runs it.

UNIT_CFLAGS := -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-strict-aliasing \
    -fno-omit-frame-pointer -Wall -Wextra -Werror -Wno-unused-parameter -DDEBUG -D__XEN__
UNIT_INCLUDES := -I tests/unit -I tests/unit/fake -I xen-like -I hypercall-abi

UNIT_MM_SRC := $(addprefix xen-like/mm/,account.c buddy.c heap.c domain_frames.c frame.c isolation.c pagetable.c walk.c tlb.c mmu_update.c \
    mmuext.c memory_op.c memory_info.c exchange.c grant_pte.c) $(addprefix xen-like/grant/,table.c pin.c map.c copy.c ops.c) \
    xen-like/lib/bitmap.c tests/unit/fake/machine.c tests/unit/fake/memory.c
UNIT_SRC_mm_pages := $(UNIT_MM_SRC)
UNIT_SRC_mm_frames := $(UNIT_MM_SRC)
UNIT_SRC_mm_alloc := $(UNIT_MM_SRC)
UNIT_SRC_grant := $(UNIT_MM_SRC)
UNIT_SRC_account := $(UNIT_MM_SRC)
UNIT_SRC_grant_ops := $(UNIT_MM_SRC)
UNIT_SRC_mm_init := $(UNIT_MM_SRC) $(addprefix xen-like/mm/,init.c vmap.c machine.c) xen-like/boot/memmap.c
UNIT_CFLAGS_mm_init := -DFAKE_REAL_INIT
UNIT_MM_TESTS := account mm_alloc mm_init mm_pages mm_frames grant grant_ops

UNIT_SRC_event := $(filter-out %/dump.c,$(wildcard xen-like/event/*.c)) tests/unit/fake/machine.c tests/unit/fake/event.c
UNIT_SRC_event_fifo := $(UNIT_SRC_event)
UNIT_SRC_sched := $(filter-out %/dump.c,$(wildcard xen-like/sched/*.c)) tests/unit/fake/machine.c tests/unit/fake/sched.c
UNIT_SRC_shares := $(UNIT_SRC_sched)
UNIT_SRC_sched_ops := $(UNIT_SRC_sched)
UNIT_SRC_timer := xen-like/sched/timer.c tests/unit/fake/machine.c
UNIT_SRC_decode := xen-like/pv/decode.c
UNIT_SRC_spec := xen-like/cpu/spec_plan.c xen-like/lib/option.c
UNIT_TESTS := $(UNIT_MM_TESTS) event event_fifo sched sched_ops shares timer decode spec lib locks boot boot_tables

# lib.c, locks.c and boot.c include some of the files that they test: to give routines of the C library other names, to reset
# the state of locks, to reach the rows of options.
UNIT_SRC_lib := xen-like/lib/bitmap.c xen-like/lib/option.c
UNIT_SRC_boot := $(addprefix xen-like/boot/,cmdline.c memmap.c multiboot.c) xen-like/lib/option.c
UNIT_SRC_boot_tables := $(addprefix xen-like/boot/,acpi.c dom0_elf.c) $(addprefix toolstack/build/,elf_image.c elf_notes.c)
UNIT_INCLUDES_event := -I tests/unit/fake-mm
UNIT_INCLUDES_event_fifo := -I tests/unit/fake-mm
UNIT_INCLUDES_boot := -I tests/unit/fake-mm
UNIT_INCLUDES_boot_tables := -I tests/unit/fake-mm -I toolstack/build

$(foreach t,$(UNIT_MM_TESTS),$(eval UNIT_INCLUDES_$t := -I tests/unit/fake-mm))

# One program ($1) in a folder ($2) with flags ($3): its objects lie in a folder of its own, because the same file may be
# compiled with other headers there.
define UNIT_PROGRAM
$2/$1.objects := $$(patsubst %.c,$2/$1.o/%.o,tests/unit/$1.c $$(UNIT_SRC_$1))
$$($2/$1.objects): $2/$1.o/%.o: %.c tests/unit/build.mk
	@echo "  HOSTCC  $1: $$<"
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $3 $$(UNIT_CFLAGS_$1) $$(UNIT_INCLUDES_$1) $$(UNIT_INCLUDES) -MMD -MP -c -o $$@ $$<
$2/$1: $$($2/$1.objects)
	@echo "  HOSTLD  $$@"
	$$(Q)$$(CC) $3 -o $$@ $$^
-include $$($2/$1.objects:.o=.d)
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call UNIT_PROGRAM,$t,$(B)/unit,$(UNIT_CFLAGS))))

# Line coverage of the hypervisor's files by these tests.
UNIT_COVERAGE_CFLAGS := -std=gnu11 -O1 -fno-inline -g --coverage -fno-strict-aliasing -w -DDEBUG -D__XEN__
$(foreach t,$(UNIT_TESTS),$(eval $(call UNIT_PROGRAM,$t,$(B)/coverage,$(UNIT_COVERAGE_CFLAGS))))

.PHONY: coverage
#: make coverage   lines of the hypervisor that the host unit tests run, file by file
coverage: $(UNIT_TESTS:%=$(B)/coverage/%)
	@$(PYTHON) tests/unit/coverage.py $(B)/coverage $(UNIT_TESTS)

TEST_DEPS += $(UNIT_TESTS:%=$(B)/unit/%)
