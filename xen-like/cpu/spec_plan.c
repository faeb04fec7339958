/* SPDX-License-Identifier: MIT */
/*
 * Protections against transient execution: what the options mean, and what is done on a processor of which
 * such and such is known. Pure functions, which unit tests drive; cpu/spec.c has the machine. Option names
 * and words are Xen's. Bits of MSR_ARCH_CAPABILITIES: SDM vol. 4, table 2-2.
 */
#include "cpu/spec.h"

#include "lib/option.h"

/* --- options --- */

/* What an item of a list may be, and the number that it sets. */
struct word {
    const char *name;
    s8 *to;
    bool fixed;
    s8 value;
};
#define SWITCH(name, to)       { name, to, false, 0 }       /* NAME, no-NAME or NAME=BOOL; NULL: BOOL alone */
#define FIXED(name, to, value) { name, to, true, value }    /* NAME, for this value */

/* For an item NAME, no-NAME or NAME=BOOL: 1 or 0; -1 where it is not this name or no such word. */
static int item_bool(const char *item, const char *name)
{
    size_t n = strlen(name);

    if (!strncmp(item, "no-", 3) && !strcmp(item + 3, name))
        return 0;
    if (strncmp(item, name, n) || (item[n] && item[n] != '='))
        return -1;
    return item[n] ? option_word_to_bool(item + n + 1) : 1;
}

/* False where the item is another word. */
static bool take(const char *item, const struct word *w)
{
    int value = w->fixed ? w->value : w->name ? item_bool(item, w->name) : option_word_to_bool(item);

    if (w->fixed ? strcmp(item, w->name) != 0 : value < 0)
        return false;
    *w->to = value;
    return true;
}

/* Of several items for one thing the last wins. */
static bool parse_list(const char *list, const struct word *words, unsigned int n)
{
    if (!*list)
        list = "yes";
    while (*list) {
        const char *end = strchr(list, ',');
        size_t length = end ? (size_t)(end - list) : strlen(list);
        char item[32];
        bool known = false;

        if (length >= sizeof(item))
            return false;
        strlcpy(item, list, length + 1);
        for (unsigned int i = 0; i < n; i++)
            known |= take(item, &words[i]);
        if (!known)
            return false;
        list += length + (end != NULL);
    }
    return true;
}

bool spec_parse_pair(struct spec_pair *p, const char *value)
{
    const struct word words[] = {
        SWITCH(NULL, &p->dom0), SWITCH("dom0", &p->dom0), FIXED("default", &p->dom0, -1),
        SWITCH(NULL, &p->domu), SWITCH("domu", &p->domu), FIXED("default", &p->domu, -1),
    };

    return parse_list(value, words, ARRAY_SIZE(words));
}

bool spec_parse(struct spec_options *o, const char *value)
{
    s8 none;
    const struct word words[] = {
        SWITCH(NULL, &o->all), SWITCH("xen", &o->xen), SWITCH("pv", &o->pv), SWITCH("msr-sc", &o->msr_sc),
        SWITCH("rsb", &o->rsb), SWITCH("md-clear", &o->md_clear), SWITCH("verw", &o->md_clear),
        SWITCH("ibrs", &o->ibrs), SWITCH("ibpb", &o->ibpb), SWITCH("ibpb-entry", &o->ibpb_entry),
        SWITCH("ssbd", &o->ssbd), FIXED("bti-thunk=retpoline", &o->thunk, 0),
        FIXED("bti-thunk=lfence", &o->thunk, SPEC_PATCH_LFENCE),
        FIXED("bti-thunk=jmp", &o->thunk, SPEC_PATCH_JMP),
        /* Nothing to do: there are no such guests, and the FPU is always switched eagerly. */
        SWITCH("hvm", &none), SWITCH("eager-fpu", &none),
        /* Protections that Xen knows besides. */
        SWITCH("l1d-flush", &none), SWITCH("psfd", &none), SWITCH("branch-harden", &none),
        SWITCH("srb-lock", &none), SWITCH("unpriv-mmio", &none), SWITCH("gds-mit", &none),
        SWITCH("div-scrub", &none), SWITCH("bhi-dis-s", &none),
    };

    return parse_list(value, words, ARRAY_SIZE(words));
}

/* --- the decision --- */

/* The most particular option that was given counts; without any, what the processor needs. */
static bool choose(s8 particular, s8 group, s8 all, bool needed)
{
    return particular >= 0 ? particular : group != 0 && all != 0 && needed;
}

void spec_decide(const struct spec_cpu_facts *f, const struct spec_options *o, struct spec_plan *p)
{
    bool meltdown = f->intel && !(f->arch_caps & SPEC_CAP_RDCL_NO);
    bool taa = f->rtm && !(f->arch_caps & SPEC_CAP_TAA_NO);
    bool buffers = f->intel && f->md_clear &&
                   (!(f->arch_caps & SPEC_CAP_MDS_NO) || taa || (f->arch_caps & SPEC_CAP_FB_CLEAR));
    bool msr = f->ibrs && o->msr_sc != 0;

    memset(p, 0, sizeof(*p));
    /* RDCL_NO speaks for both. Domain-0, which owns the machine anyway, is trusted not to try L1TF. */
    p->xpti_dom0 = choose(o->xpti.dom0, -1, o->all, meltdown);
    p->xpti_domu = choose(o->xpti.domu, -1, o->all, meltdown);
    p->l1tf_dom0 = choose(o->l1tf.dom0, -1, o->all, false);
    p->l1tf_domu = choose(o->l1tf.domu, -1, o->all, meltdown && f->family6);

    /*
     * Intel's own indirect-branch protection where it is cheap, or where retpolines do not help or are not
     * wanted.
     */
    p->always_ibrs = f->arch_caps & SPEC_CAP_IBRS_ALL;
    if (o->thunk >= 0)
        p->thunk = o->thunk;
    else if (o->all == 0 || o->xen == 0 || (msr && (p->always_ibrs || f->bad_retpoline) && o->ibrs != 0))
        p->thunk = SPEC_PATCH_JMP;
    p->ibrs = msr && choose(o->ibrs, o->xen, o->all, p->always_ibrs || p->thunk == SPEC_PATCH_JMP);
    p->ssbd = f->ssbd && msr && o->ssbd > 0 && !(f->arch_caps & SPEC_CAP_SSB_NO);
    p->ibpb = f->ibpb && choose(o->ibpb, o->pv, o->all, true);
    p->ibpb_entry = f->ibpb && choose(o->ibpb_entry, o->pv, o->all, f->btc);
    /* With SMEP a return predicted to the guest's code is not followed. */
    p->rsb = choose(o->rsb, o->pv, o->all, !f->smep);
    /* VERW itself is harmless everywhere. */
    p->md_clear = choose(o->md_clear, o->pv, o->all, buffers);
}

/* --- patching --- */

void spec_patch_bytes(u8 out[5], const u8 now[5], const u8 *to, s32 distance, u32 feature)
{
    static const u8 nop[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
    s32 displacement = distance - 5;

    if (feature == SPEC_PATCH_JMP) {
        memcpy(out, to, 5);
    } else if (now[0] == 0xe9) {
        memcpy(out, nop, 5);
    } else {
        out[0] = 0xe9;
        memcpy(out + 1, &displacement, 4);
    }
}
