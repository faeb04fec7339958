/* SPDX-License-Identifier: MIT */
/*
 * Random hypercalls by an unprivileged domain: every number, with arguments that are plausible, hostile or
 * random, and structures filled the same way.  The child may get any answer, block, shut down or crash (then
 * another takes its place); Domain-0 goes on, its memory is untouched, and what the children had is free
 * again. The seed of each round is printed.
 */
#include "child.h"

#define ROUNDS 6
#define CALLS 400

static uint64_t state;
static unsigned answered, ended;
static void *witness[64];

static uint64_t random64(void)
{
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return state >> 20 ^ state << 31;
}

static unsigned random(unsigned below)
{
    return random64() % below;
}

static uint64_t random_value(void)
{
    switch (random(16)) {
    case 0:
        return 0;
    case 1: case 2: case 3:
        return random(20);
    case 4:
        return ~0UL;
    case 5: case 6:
        return CHILD_ARG + 8 * random(64);
    case 7:
        return CHILD_VA(random(PAGES));
    case 8:
        return (uint64_t)child_mfns[random(PAGES)] << PAGE_SHIFT | random(512) * 8;
    case 9:
        return child_mfns[random(PAGES)];
    case 10:
        return PTE(child_mfns[random(PAGES)], random(512));
    case 11:
        return random(2) ? va_to_mfn(witness[random(64)]) : root_mfn();
    case 12:
        return random(2) ? DOMID_SELF : random(2) ? 0 : child;
    case 13:
        return random(3) == 0 ? BAD_PTR_XEN : random(2) ? BAD_PTR_NONCANONICAL : HYPERVISOR_VIRT_START;
    case 14:
        return random64() & 0xffffffff;
    default:
        return random64();
    }
}

/* Let the child make the call; false if it does not come back. */
static bool call(void)
{
    uint64_t *memory = OUR_ARG, end;

    for (unsigned i = 0; i < 64; i++)
        memory[i] = random_value();
    mailbox->nr = random(20) ? random(44) : random(256);
    for (unsigned i = 0; i < 5; i++)
        mailbox->args[i] = random_value();
    mailbox->request++;
    for (end = now() + SECOND / 10; mailbox->done != mailbox->request;) {
        HC(sched_op, SCHEDOP_yield, 0);
        if (now() >= end)
            return false;
    }
    return true;
}

static bool witness_ok(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(witness); i++)
        for (unsigned j = 0; j < PAGE_SIZE / 8; j++)
            if (((uint64_t *)witness[i])[j] != 0x5a5a000000000000UL + i * 512 + j)
                return false;
    return true;
}

static uint64_t free_pages_now(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

    return HC(sysctl, &op) ? 0 : op.u.physinfo.free_pages;
}

static void round_of(unsigned seed)
{
    bool gone = true;

    note("seed %u", seed);
    state = seed;
    child_start();
    for (unsigned i = 0; i < CALLS; i++) {
        if (call()) {
            answered++;
            continue;
        }
        ended++;
        gone &= child_destroy();
        child_start();
    }
    gone &= child_destroy();
    check(gone, "random calls, seed %u: every child could be destroyed", seed);
    check(witness_ok(), "random calls, seed %u: Domain-0's memory is untouched", seed);
}

TEST_MAIN("fuzz")
{
    uint64_t before = 0, end;

    for (unsigned i = 0; i < ARRAY_SIZE(witness); i++) {
        witness[i] = page_alloc();
        for (unsigned j = 0; j < PAGE_SIZE / 8; j++)
            ((uint64_t *)witness[i])[j] = 0x5a5a000000000000UL + i * 512 + j;
    }
    for (unsigned seed = 1; seed <= ROUNDS; seed++) {
        round_of(seed);
        if (seed == 2)
            before = free_pages_now();
    }
    note("%u calls answered, %u children ended", answered, ended);
    check(answered > CALLS, "most calls come back");
    for (end = now() + 3 * SECOND; free_pages_now() + 16 < before && now() < end;)
        HC(sched_op, SCHEDOP_yield, 0);
    check(free_pages_now() + 16 >= before, "the children's memory is free again");
    if (free_pages_now() + 16 < before)
        note("%lu pages free, %lu before", free_pages_now(), before);
}
