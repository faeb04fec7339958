/* SPDX-License-Identifier: MIT */
/*
 * Random page-table operations on a small pool of pages: pins, base pointers, entries of every kind, read-
 * only and writable views, on pages in any state. The sequence of results is the oracle's: a hash of each
 * seed's results was recorded on Xen 4.17. At the end of each seed every page must be an ordinary page again.
 *
 * Seeds are left out for which Xen keeps a table that a failed validation had left behind: one frame stays a
 * table there, and later results depend on it.
 *
 * "# trace" lines hold one letter a result, so that a difference can be found by comparing the logs of two
 * runs.
 */
#include "guest.h"

#define OPERATIONS 600
#define PAGES 20
#define SCRATCH 0x0000123456789000UL
#define ROOT_SLOT 5

static const struct {
    unsigned seed;
    uint32_t hash;
} recorded[] = {
    { 0, 0xbac07550 }, { 1, 0xd2f88616 }, { 3, 0xf1db9d0e }, { 4, 0x84b78b8f },
    { 5, 0x4abc6c09 }, { 6, 0x70cbbb2c }, { 7, 0x2951d7dc }, { 8, 0xedac47e6 },
    { 9, 0xf347feb5 }, { 10, 0xf4c5c4e2 }, { 11, 0x485022c6 }, { 12, 0xf8f6a1a8 },
    { 13, 0xba58a5d8 }, { 15, 0x6d5d0c7c }, { 16, 0x7cb0b556 }, { 17, 0x399b70dd },
    { 18, 0x59ba8eb9 }, { 19, 0xef64aa6a }, { 20, 0x5807137c }, { 21, 0x34b388d2 },
    { 23, 0x8f70879a },
};

static void *pages[PAGES];
static uint64_t state;

static unsigned random(unsigned below)
{
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return (state >> 33) % below;
}

static pte_t random_flags(void)
{
    static const pte_t flags[] = {
        TABLE_FLAGS, TABLE_FLAGS, TABLE_FLAGS, TABLE_FLAGS, L1_RO, L1_RO, L1_RO, PTE_P | PTE_U, PTE_P | PTE_W,
        TABLE_FLAGS | PTE_PSE, L1_FLAGS | PTE_AVAIL, 0, PTE_W | PTE_U, TABLE_FLAGS | PTE_G, L1_RO | PTE_NX,
    };

    return flags[random(ARRAY_SIZE(flags))];
}

/*
 * Mostly a page of the pool; seldom the root or a frame that does not exist.  Each call of random() is a
 * statement of its own, so that the compiler cannot choose their order.
 */
static pte_t random_entry(void)
{
    unsigned kind = random(40);
    unsigned page = random(PAGES);
    pte_t flags = random_flags();

    if (kind == 0)
        return 0;
    if (kind == 1)
        return PTE(root_mfn(), flags);
    if (kind == 2)
        return PTE(0x200000000UL, flags);
    return PTE(va_to_mfn(pages[page]), flags);
}

static long pin_level(void)
{
    static const unsigned commands[] = { MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
                                         MMUEXT_PIN_L4_TABLE };
    unsigned level = random(4);
    unsigned page = random(PAGES);

    return mmuext(commands[level], va_to_mfn(pages[page]));
}

static long operation(void)
{
    unsigned kind = random(20);
    void *page = pages[random(PAGES)];

    switch (kind) {
    case 0 ... 3:
        return page_readonly(page);
    case 4:
        return page_writable(page);
    case 5 ... 7:
        return pin_level();
    case 8:
        return mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(page));
    case 9:
        return mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(page));
    case 10:
        return update_va(SCRATCH, random_entry(), UVMF_INVLPG | UVMF_ALL);
    case 11:
        return mmu_set(entry_maddr((void *)start_info->pt_base, ROOT_SLOT), random_entry());
    case 12:
        return mmuext(MMUEXT_CLEAR_PAGE, va_to_mfn(page));
    default: {
        unsigned index = random(6);

        return mmu_set(entry_maddr(page, index), random_entry());
    }
    }
}

/* Undo everything; the number of pages that are still tables. */
static unsigned clean_up(void)
{
    unsigned stuck = 0;

    mmuext(MMUEXT_NEW_USER_BASEPTR, 0);
    mmu_set(entry_maddr((void *)start_info->pt_base, ROOT_SLOT), 0);
    update_va(SCRATCH, 0, UVMF_INVLPG | UVMF_ALL);
    for (unsigned i = 0; i < PAGES; i++)
        mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(pages[i]));
    for (unsigned i = 0; i < PAGES; i++)
        stuck += page_writable(pages[i]) != 0;
    for (unsigned i = 0; i < PAGES && !stuck; i++)
        memset(pages[i], 0, PAGE_SIZE);
    return stuck;
}

static char letter(long ret)
{
    static const struct {
        int error;
        char letter;
    } names[] = { { 0, '.' }, { GE_INVAL, 'I' }, { GE_BUSY, 'B' }, { GE_PERM, 'P' }, { GE_AGAIN, 'A' },
                  { GE_NXIO, 'X' }, { GE_NOMEM, 'M' }, { GE_FAULT, 'F' } };

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (ret == -names[i].error)
            return names[i].letter;
    return '?';
}

static void run(unsigned seed, uint32_t recorded_hash)
{
    static char line[OPERATIONS + 1];
    uint32_t hash = 2166136261u;
    unsigned stuck, differs;

    state = seed * 7919 + 1;
    for (unsigned i = 0; i < OPERATIONS; i++) {
        line[i] = letter(operation());
        hash = (hash ^ line[i]) * 16777619;
    }
    for (unsigned i = 0; i < OPERATIONS; i += 100) {
        char part[101];

        memcpy(part, line + i, 100);
        part[100] = 0;
        print("# trace %u.%u %s\n", seed, i, part);
    }
    stuck = clean_up();
    differs = hash != recorded_hash;
    if (differs)
        note("hash 0x%08x", hash);
    check(!differs, "random seed %u: the results are the oracle's", seed);
    check_eq(stuck, 0, "random seed %u: every page is an ordinary one again", seed);
    if (stuck)
        bail_out("pages are stuck as tables");
}

TEST_MAIN("random")
{
    for (unsigned i = 0; i < PAGES; i++)
        pages[i] = page_alloc();
    if (map_page(SCRATCH, 0))
        bail_out("cannot build tables");
    for (unsigned i = 0; i < ARRAY_SIZE(recorded); i++)
        run(recorded[i].seed, recorded[i].hash);
}
