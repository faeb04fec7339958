/* SPDX-License-Identifier: MIT */
/*
 * Random numbers, and what a hypercall's arguments are made of.  Pointers are to scratch memory, or bad:
 * never to the fuzzer's own data, because the hypervisor rightly writes where a guest tells it to.
 */
#include "fuzz.h"

uint64_t rnd(struct fuzzer *f)
{
    uint64_t z = f->random += 0x9e3779b97f4a7c15UL;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
    return z ^ z >> 31;
}

unsigned rnd_below(struct fuzzer *f, unsigned limit)
{
    return (rnd(f) >> 32) * limit >> 32;
}

bool one_in(struct fuzzer *f, unsigned n)
{
    return rnd_below(f, n) == 0;
}

unsigned long rnd_bad_pointer(struct fuzzer *f)
{
    static const unsigned long bad[] = {
        0xffff800000000000,
        0xffff800000001000,
        0xffff808000000000,
        0xffff810000000000,
        0xffff818000000000,
        0xffff818000200000,
        0xffff818040000000,
        0xffff819000000000,
        0xffff840000000000,
        0xffff840000001000,
        0xffff87fffffffff8,
        0xffff87fffffffff9,
        0xffff7fffffffffff,
        0xffff800000000000 - 8,
        0x0000800000000000,
        0x00007ffffffffff8,
        0x00007fffffffffff,
        0x8000000000000000,
        0x0000100000000000,
        ~0UL,
        ~7UL,
        0,
        1,
        4095,
    };

    return PICK(f, bad) + (one_in(f, 4) ? rnd_below(f, 64) : 0);
}

unsigned long rnd_pointer(struct fuzzer *f)
{
    unsigned long scratch = (unsigned long)f->scratch;

    switch (rnd_below(f, 8)) {
    case 0:
        return rnd_bad_pointer(f);
    case 1: /* across the end of what is mapped */
        return scratch + SCRATCH_PAGES * PAGE_SIZE - rnd_below(f, 128);
    case 2:
        return hook_address(f);
    default:
        return scratch + rnd_below(f, (SCRATCH_PAGES - 1) * PAGE_SIZE) / 8 * 8;
    }
}

unsigned long rnd_arg(struct fuzzer *f)
{
    switch (rnd_below(f, 10)) {
    case 0:
        return 0;
    case 1:
        return ~0UL;
    case 2:
    case 3:
        return rnd_below(f, 40);
    case 4:
        return 1UL << rnd_below(f, 64);
    case 5:
        return (1UL << rnd_below(f, 64)) - 1 - rnd_below(f, 2);
    case 6:
        return rnd(f);
    case 7:
        return rnd_mfn(f) << (one_in(f, 2) ? PAGE_SHIFT : 0);
    default:
        return rnd_pointer(f);
    }
}

/* Somebody else's frame.  One of our own, outside the sandbox, would let the fuzzer overwrite what it needs.
 */
static unsigned long foreign_mfn(struct fuzzer *f)
{
    unsigned long mfn = rnd_below(f, 0x80000);

    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        if (p2m()[pfn] == mfn)
            return ~0UL;
    return mfn == start_info->shared_info >> PAGE_SHIFT ? ~0UL : mfn;
}

unsigned long rnd_mfn(struct fuzzer *f)
{
    struct sandbox_page *page;

    switch (rnd_below(f, 24)) {
    case 0: /* our own page tables */
    case 1:
        return PICK(f, own_tables);
    case 2:
        return rnd_below(f, 0x400); /* low memory; the hypervisor's image */
    case 3:
        return foreign_mfn(f);
    case 4: {
        static const unsigned long odd[] = { 0,    ~0UL, 0xfffffffffUL, 0xffffffffffUL, 0xfee00,   0xfec00,
                                             0xb8, 0xa0, 0x100000,      0x7fffffff,     0x40000000 };
        return PICK(f, odd);
    }
    default:
        page = &sandbox[rnd_below(f, SANDBOX)];
        return page->mfn == NO_MFN ? sandbox[0].mfn : page->mfn;
    }
}

unsigned long rnd_harmless_mfn(struct fuzzer *f)
{
    unsigned long mfn = rnd_mfn(f);

    for (unsigned i = 0; i < ARRAY_SIZE(own_tables); i++)
        if (mfn == own_tables[i])
            return sandbox[0].mfn;
    return mfn;
}

domid_t rnd_domid(struct fuzzer *f)
{
    static const domid_t odd[] = {
        0,          1,      2,     5, DOMID_FIRST_RESERVED, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID,
        DOMID_IDLE, 0x7fef, 0xffff
    };

    return one_in(f, 6) ? PICK(f, odd) : DOMID_SELF;
}

uint8_t *rnd_fill(struct fuzzer *f, unsigned page)
{
    uint64_t *words = (uint64_t *)(f->scratch + page * PAGE_SIZE);
    unsigned kind = rnd_below(f, 4);

    for (unsigned i = 0; i < 64; i++)
        words[i] = kind == 0   ? rnd(f)
                   : kind == 1 ? rnd_arg(f)
                   : kind == 2 ? (rnd_arg(f) & 0xffffffff) | rnd_arg(f) << 32
                               : rnd_below(f, 32);
    return (uint8_t *)words;
}

long issue(struct fuzzer *f, unsigned nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
           unsigned long e)
{
    long ret;

    f->calls++;
    if (trace > 1)
        print("# vcpu %u %s: %u(%lx, %lx, %lx, %lx, %lx)\n", f->vcpu, current_action, nr, a, b, c, d, e);
    ret = hypercall_bare(nr, a, b, c, d, e);
    if (trace > 1)
        print("#   = %ld\n", ret);
    f->accepted += ret >= 0;
    return ret;
}
