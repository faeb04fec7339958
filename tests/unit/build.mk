# SPDX-License-Identifier: MIT
#
# Host unit tests: the hypervisor's own files, unedited, compiled for the host under sanitizers. tests/unit/fake/
# stands before xen-like/ in the include path, and so replaces the headers with inline assembly; tests of mm/ and grant/
# put tests/unit/fake-mm/ before that. Each test is $(B)/unit/NAME, from tests/unit/NAME.c and its UNIT_SRC_NAME,
# and tests/unit/NAME.t runs it.

UNIT_CFLAGS := -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-strict-aliasing \
    -fno-omit-frame-pointer -Wall -Wextra -Werror -Wno-unused-parameter -DDEBUG -D__XEN__
UNIT_INCLUDES := -I tests/unit -I tests/unit/fake -I xen-like -I hypercall-abi

UNIT_MM_SRC := $(addprefix xen-like/mm/,account.c buddy.c heap.c domain_frames.c frame.c pagetable.c walk.c tlb.c mmu_update.c \
    mmuext.c memory_op.c memory_info.c exchange.c grant_pte.c) $(addprefix xen-like/grant/,table.c pin.c map.c copy.c ops.c) \
    tests/unit/fake/machine.c tests/unit/fake/memory.c
UNIT_SRC_mm_pages := $(UNIT_MM_SRC)
UNIT_SRC_mm_alloc := $(UNIT_MM_SRC)
UNIT_SRC_grant := $(UNIT_MM_SRC)
UNIT_SRC_mm_init := $(UNIT_MM_SRC) $(addprefix xen-like/mm/,init.c vmap.c machine.c)
UNIT_CFLAGS_mm_init := -DFAKE_REAL_INIT
UNIT_MM_TESTS := mm_alloc mm_init mm_pages grant

UNIT_SRC_event := $(filter-out %/dump.c,$(wildcard xen-like/event/*.c)) tests/unit/fake/machine.c
UNIT_SRC_sched := $(filter-out %/dump.c,$(wildcard xen-like/sched/*.c)) tests/unit/fake/machine.c
UNIT_SRC_timer := xen-like/sched/timer.c tests/unit/fake/machine.c
UNIT_SRC_decode := xen-like/pv/decode.c
UNIT_TESTS := $(UNIT_MM_TESTS) event sched timer decode

$(foreach t,$(UNIT_MM_TESTS),$(eval UNIT_INCLUDES_$t := -I tests/unit/fake-mm))

# One program: its objects lie in a folder of its own, because the same file may be compiled with other headers there.
define UNIT_PROGRAM
UNIT_OBJ_$1 := $$(patsubst %.c,$$(B)/unit/$1.o/%.o,tests/unit/$1.c $$(UNIT_SRC_$1))
$$(UNIT_OBJ_$1): $$(B)/unit/$1.o/%.o: %.c tests/unit/build.mk
	@echo "  HOSTCC  $1: $$<"
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(UNIT_CFLAGS) $$(UNIT_CFLAGS_$1) $$(UNIT_INCLUDES_$1) $$(UNIT_INCLUDES) -MMD -MP -c -o $$@ $$<
$$(B)/unit/$1: $$(UNIT_OBJ_$1)
	@echo "  HOSTLD  $$@"
	$$(Q)$$(CC) $$(UNIT_CFLAGS) -o $$@ $$^
-include $$(UNIT_OBJ_$1:.o=.d)
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call UNIT_PROGRAM,$t)))

TEST_DEPS += $(UNIT_TESTS:%=$(B)/unit/%)
