/* SPDX-License-Identifier: MIT */
/*
 * Protections against transient execution: what the options mean, and what is done on a processor of which
 * such and such is known. Pure functions, which unit tests drive; cpu/spec.c has the machine. Option names
 * and words are Xen's. Bits of MSR_ARCH_CAPABILITIES: SDM vol. 4, table 2-2.
 */
#include "cpu/spec.h"

#include "lib/option.h"

/* --- options --- */

/* One item of a list, [NAME=]VALUE, cut from *list; the rest stays there. False: none left, or too long. */
static bool next_item(const char **list, char *item, size_t size, bool *bad)
{
    const char *end = strchr(*list, ',');
    size_t n = end ? (size_t)(end - *list) : strlen(*list);

    *bad = false;
    if (!**list)
        return false;
    if (n >= size) {
        *bad = true;
        return false;
    }
    strlcpy(item, *list, n + 1);
    *list += n + (end != NULL);
    return true;
}

/* For an item NAME, no-NAME or NAME=WORD: 1 or 0; -1 where it is not this name or no such word. */
static int item_bool(const char *item, const char *name)
{
    size_t n = strlen(name);

    if (!strncmp(item, "no-", 3) && !strcmp(item + 3, name))
        return 0;
    if (strncmp(item, name, n) || (item[n] && item[n] != '='))
        return -1;
    return item[n] ? option_word_to_bool(item + n + 1) : 1;
}

/* xpti= and pv-l1tf=: a list of BOOL, default, dom0=BOOL, domu=BOOL; the later item wins. */
bool spec_parse_pair(struct spec_pair *p, const char *value)
{
    char item[32];
    bool bad = false;
    int v;

    if (!*value)
        p->dom0 = p->domu = 1;
    while (next_item(&value, item, sizeof(item), &bad)) {
        if (!strcmp(item, "default"))
            p->dom0 = p->domu = -1;
        else if ((v = option_word_to_bool(item)) >= 0)
            p->dom0 = p->domu = v;
        else if ((v = item_bool(item, "dom0")) >= 0)
            p->dom0 = v;
        else if ((v = item_bool(item, "domu")) >= 0)
            p->domu = v;
        else
            return false;
    }
    return !bad;
}

/* Protections that Xen knows and that have nothing to do here; spec-ctrl= takes their names. */
static bool item_without_effect(const char *item)
{
    static const char *const names[] = {
        "hvm", "eager-fpu",         /* no such guests; the FPU is always switched eagerly */
        "l1d-flush", "psfd", "branch-harden", "srb-lock", "unpriv-mmio", "gds-mit", "div-scrub", "bhi-dis-s",
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
        if (item_bool(item, names[i]) >= 0)
            return true;
    return false;
}

bool spec_parse(struct spec_options *o, const char *value)
{
    const struct { const char *name; s8 *to; } names[] = {
        { "xen", &o->xen }, { "pv", &o->pv }, { "msr-sc", &o->msr_sc }, { "rsb", &o->rsb },
        { "md-clear", &o->md_clear }, { "verw", &o->md_clear }, { "ibrs", &o->ibrs }, { "ibpb", &o->ibpb },
        { "ibpb-entry", &o->ibpb_entry }, { "ssbd", &o->ssbd },
    };
    static const struct { const char *item; s8 thunk; } thunks[] = {
        { "bti-thunk=retpoline", 0 }, { "bti-thunk=lfence", SPEC_PATCH_LFENCE },
        { "bti-thunk=jmp", SPEC_PATCH_JMP },
    };
    char item[32];
    bool bad = false;

    if (!*value)
        o->all = 1;
    while (next_item(&value, item, sizeof(item), &bad)) {
        bool known = item_without_effect(item);
        int v = option_word_to_bool(item);

        if (v >= 0) {
            o->all = v;
            known = true;
        }
        for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
            if ((v = item_bool(item, names[i].name)) >= 0) {
                *names[i].to = v;
                known = true;
            }
        for (unsigned int i = 0; i < ARRAY_SIZE(thunks); i++)
            if (!strcmp(item, thunks[i].item)) {
                o->thunk = thunks[i].thunk;
                known = true;
            }
        if (!known)
            return false;
    }
    return !bad;
}

/* --- the decision --- */

/* The most particular option that was given counts; without any, what the processor needs. */
static bool choose(s8 particular, s8 group, s8 all, bool needed)
{
    if (particular >= 0)
        return particular;
    if (group >= 0 && !group)
        return false;
    return all == 0 ? false : needed;
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
