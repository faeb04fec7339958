/* SPDX-License-Identifier: MIT */
/*
 * Protections against transient execution: the words of xpti=, pv-l1tf= and spec-ctrl=, what is chosen for
 * processors of several kinds, and the bytes that a patched slot gets. (No emulated processor has most of
 * what this is about.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/spec.h"
#include "lib/option.h"
#include "tap.h"

size_t strlcpy(char *to, const char *from, size_t size)
{
    return (size_t)snprintf(to, size, "%s", from);
}

u64 strtou64(const char *s, const char **end, unsigned base)
{
    return strtoull(s, (char **)end, (int)base);
}

static const struct spec_options none = SPEC_OPTIONS_NONE;

static void test_pairs(void)
{
    static const struct { const char *value; bool ok; s8 dom0, domu; } cases[] = {
        { "", true, 1, 1 }, { "yes", true, 1, 1 }, { "no", true, 0, 0 }, { "0", true, 0, 0 }, { "default", true, -1, -1 },
        { "dom0=no", true, 0, -1 }, { "domu=off", true, -1, 0 }, { "no-dom0", true, 0, -1 }, { "dom0", true, 1, -1 },
        { "dom0=1,domu=0", true, 1, 0 }, { "off,domu=on", true, 0, 1 }, { "domu=0,default", true, -1, -1 },
        { "maybe", false, 0, 0 }, { "dom0=maybe", false, 0, 0 }, { "domx=1", false, 0, 0 }, { "yes,,no", true, 0, 0 },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, 0, 0 },
    };

    for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct spec_pair p = { -1, -1 };
        bool good = spec_parse_pair(&p, cases[i].value);

        ok(good == cases[i].ok, "xpti=%s: %s", cases[i].value,
           cases[i].ok ? "taken" : "refused");
        if (good && cases[i].ok)
            ok(p.dom0 == cases[i].dom0 && p.domu == cases[i].domu, "xpti=%s: Domain-0 %d, others %d", cases[i].value, p.dom0,
               p.domu);
    }
}

static void test_words(void)
{
    struct spec_options o = none;

    ok(spec_parse(&o, "no") && o.all == 0, "spec-ctrl=no");
    o = none;
    ok(spec_parse(&o, "bti-thunk=lfence,ibrs=0,no-ibpb,ssbd,rsb=pv") == false, "spec-ctrl: rsb=pv is no truth value");
    o = none;
    ok(spec_parse(&o, "bti-thunk=lfence,ibrs=0,no-ibpb,ssbd,md-clear=1,eager-fpu,l1d-flush=no"), "spec-ctrl: a long list");
    ok(o.thunk == SPEC_PATCH_LFENCE && o.ibrs == 0 && o.ibpb == 0 && o.ssbd == 1 && o.md_clear == 1 && o.all == -1 && o.rsb == -1,
       "spec-ctrl: each item has its effect, and no other");
    o = none;
    ok(spec_parse(&o, "bti-thunk=jmp") && o.thunk == SPEC_PATCH_JMP, "bti-thunk=jmp");
    o = none;
    ok(spec_parse(&o, "bti-thunk=retpoline") && o.thunk == 0, "bti-thunk=retpoline");
    ok(!spec_parse(&o, "bti-thunk=fast"), "bti-thunk=fast is refused");
    ok(!spec_parse(&o, "nonsense"), "an unknown word is refused");
    ok(!spec_parse(&o, "ibrsx=1"), "a longer word than a known one is refused");
}

static struct spec_plan plan(struct spec_cpu_facts f, const char *xpti, const char *spec)
{
    struct spec_options o = none;
    struct spec_plan p;

    if (xpti)
        ok(spec_parse_pair(&o.xpti, xpti), "xpti=%s", xpti);
    if (spec)
        ok(spec_parse(&o, spec), "spec-ctrl=%s", spec);
    spec_decide(&f, &o, &p);
    return p;
}

static void test_decisions(void)
{
    struct spec_cpu_facts old_intel = { .intel = true, .family6 = true, .smep = true };
    struct spec_cpu_facts microcode = { .intel = true, .family6 = true, .smep = true, .ibrs = true, .ibpb = true, .stibp = true,
                                        .ssbd = true, .md_clear = true };
    struct spec_cpu_facts new_intel = microcode, amd = { .smep = true, .ibpb = true, .ibrs = true };
    struct spec_plan p;

    new_intel.arch_caps = SPEC_CAP_RDCL_NO | SPEC_CAP_IBRS_ALL | SPEC_CAP_MDS_NO;

    p = plan(old_intel, NULL, NULL);
    ok(p.xpti_dom0 && p.xpti_domu, "an old Intel processor: isolation is on");
    ok(!p.l1tf_dom0 && p.l1tf_domu, "an old Intel processor: L1TF is checked for all but Domain-0");
    ok(!p.thunk && !p.ibrs && !p.ibpb && !p.md_clear && !p.rsb, "an old Intel processor: retpolines, and nothing that it lacks");
    p = plan((struct spec_cpu_facts){ .intel = true }, NULL, NULL);
    ok(p.rsb, "a processor without SMEP: entries overwrite the return stack");

    p = plan(microcode, NULL, NULL);
    ok(!p.thunk && !p.ibrs && p.ibpb && p.md_clear && !p.ssbd, "with newer microcode: IBPB and VERW as well");
    p = plan(microcode, NULL, "bti-thunk=jmp");
    ok(p.ibrs && !p.always_ibrs && p.thunk == SPEC_PATCH_JMP, "without retpolines: IBRS at entries");
    p = plan(microcode, NULL, "ssbd,no-md-clear,no-ibpb");
    ok(p.ssbd && !p.md_clear && !p.ibpb, "single ones on and off");
    p = plan(microcode, NULL, "msr-sc=no,ibrs");
    ok(!p.ibrs, "msr-sc=no: SPEC_CTRL stays as it is");
    p = plan(microcode, NULL, "no");
    ok(!p.ibrs && !p.ibpb && !p.md_clear && !p.rsb && !p.ssbd && p.thunk == SPEC_PATCH_JMP && !p.xpti_dom0 && !p.xpti_domu &&
       !p.l1tf_domu, "spec-ctrl=no: all off");
    p = plan(microcode, "dom0", "no");
    ok(p.xpti_dom0 && !p.xpti_domu, "but what was asked for stays on");
    p = plan(microcode, NULL, "no-xen");
    ok(p.thunk == SPEC_PATCH_JMP && !p.ibrs && p.md_clear && p.ibpb && p.xpti_domu, "spec-ctrl=no-xen: guests are protected still");

    p = plan(new_intel, NULL, NULL);
    ok(!p.xpti_dom0 && !p.xpti_domu && !p.l1tf_domu, "RDCL_NO: neither isolation nor checks");
    ok(p.ibrs && p.always_ibrs && p.thunk == SPEC_PATCH_JMP, "IBRS_ALL: IBRS for good, plain jumps");
    ok(!p.md_clear, "MDS_NO: no VERW");
    new_intel.arch_caps |= SPEC_CAP_FB_CLEAR;
    ok(plan(new_intel, NULL, NULL).md_clear, "MDS_NO with FB_CLEAR: VERW");
    p = plan(new_intel, NULL, "no-ibrs");
    ok(!p.ibrs && !p.thunk, "IBRS_ALL, but not wanted: retpolines");
    p = plan(new_intel, "yes", NULL);
    ok(p.xpti_dom0 && p.xpti_domu, "isolation by command");

    p = plan(amd, NULL, NULL);
    ok(!p.xpti_dom0 && !p.xpti_domu && !p.l1tf_domu && !p.md_clear && p.ibpb && !p.thunk, "AMD: retpolines and IBPB");
    amd.btc = true;
    p = plan(amd, NULL, NULL);
    ok(p.ibpb_entry, "AMD with branch type confusion: IBPB at entries");
    ok(!plan(amd, NULL, "no-ibpb-entry").ibpb_entry, "unless it is not wanted");
    microcode.bad_retpoline = true;
    p = plan(microcode, NULL, NULL);
    ok(p.thunk == SPEC_PATCH_JMP && p.ibrs && !p.always_ibrs, "Intel whose returns are predicted like jumps: IBRS at entries");
    p = plan(microcode, NULL, "no-ibrs");
    ok(!p.thunk && !p.ibrs, "or retpolines, if IBRS is not wanted");
    microcode.arch_caps = SPEC_CAP_MDS_NO;
    ok(!plan(microcode, NULL, NULL).md_clear, "MDS_NO without transactions: no VERW");
    microcode.rtm = true;
    ok(plan(microcode, NULL, NULL).md_clear, "MDS_NO with transactions: VERW (TAA)");
    p = plan(old_intel, NULL, "ibrs,ibpb,ssbd");
    ok(!p.ibrs && !p.ssbd, "a processor without SPEC_CTRL: asking does not help");
}

static void test_patching(void)
{
    static const u8 nop[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 }, jump[5] = { 0xe9, 0x10, 0x00, 0x00, 0x00 };
    static const u8 code[5] = { 0x41, 0xff, 0xe3, 0xcc, 0xcc }, forward[5] = { 0xe9, 0xfb, 0x01, 0x00, 0x00 };
    static const u8 backward[5] = { 0xe9, 0xfb, 0xfe, 0xff, 0xff };
    u8 out[5];

    spec_patch_bytes(out, nop, code, 0x200, SPEC_PATCH_ANY);
    ok(!memcmp(out, forward, 5), "a no-operation becomes a jump forward");
    spec_patch_bytes(out, nop, code, -0x100, SPEC_PATCH_LFENCE);
    ok(!memcmp(out, backward, 5), "or backward");
    spec_patch_bytes(out, jump, code, 0x15, SPEC_PATCH_VERW);
    ok(!memcmp(out, nop, 5), "a jump becomes a no-operation");
    spec_patch_bytes(out, nop, code, 0x20, SPEC_PATCH_JMP);
    ok(!memcmp(out, code, 5), "bti-thunk=jmp takes the code at its end");
}

int main(void)
{
    test_pairs();
    test_words();
    test_decisions();
    test_patching();
    return done_testing();
}
