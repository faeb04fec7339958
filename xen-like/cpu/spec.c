/* SPDX-License-Identifier: MIT */
/*
 * Protections against transient execution (spec.h): what the processor and the command line say, the
 * patching, the MSRs. The decision is cpu/spec_plan.c's. Bits of CPUID and MSRs: SDM vol. 4, table 2-2, and
 * Intel's "Speculative Execution Side Channel Mitigations"; AMD's "Indirect Branch Control Extension".
 */
#include "cpu/spec.h"

#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/msr.h"
#include "domain/domain.h"
#include "lib/option.h"
#include "mm/isolation.h"

/* MSR_SPEC_CTRL, MSR_PRED_CMD */
#define CTRL_IBRS       (1u << 0)
#define CTRL_STIBP      (1u << 1)
#define CTRL_SSBD       (1u << 2)
#define CMD_IBPB        1

struct spec_plan spec_plan;

/* --- options --- */

static struct spec_options options = SPEC_OPTIONS_NONE;

/* A list with a wrong item in it counts for nothing. */
static bool parse_spec_ctrl(const struct option *o, const char *value)
{
    struct spec_options parsed = options;
    bool ok = spec_parse(&parsed, value);

    if (ok)
        *(struct spec_options *)o->target = parsed;
    return ok;
}
OPTION_CUSTOM("spec-ctrl", parse_spec_ctrl, options);

static bool parse_pair(const struct option *o, const char *value)
{
    struct spec_pair *pair = o->target, parsed = *pair;
    bool ok = spec_parse_pair(&parsed, value);

    if (ok)
        *pair = parsed;
    return ok;
}

static const struct option __section(".options") __attribute__((used, aligned(8)))
    pair_options[] = { { "xpti", parse_pair, &options.xpti, 0 },
                       { "pv-l1tf", parse_pair, &options.l1tf, 0 } };

/* --- patching --- */

extern struct spec_slot spec_patch_start[], spec_patch_end[];

static void patch(u32 feature)
{
    for (const struct spec_slot *s = spec_patch_start; s < spec_patch_end; s++) {
        volatile u8 *at = (volatile u8 *)&s->at + s->at;
        const u8 *to = (const u8 *)&s->to + s->to;
        u8 now[5], new[5];

        if (s->feature != feature)
            continue;
        for (unsigned int i = 0; i < 5; i++)
            now[i] = at[i];
        spec_patch_bytes(new, now, to, (s32)(to - (const u8 *)at), feature);
        for (unsigned int i = 0; i < 5; i++)
            at[i] = new[i];
    }
}

/* --- the machine --- */

static struct spec_cpu_facts facts;

static void gather_facts(void)
{
    /*
     * Models of family 6: Skylake, Cascade Lake and Cooper Lake, Cannon Lake, Kaby and Coffee Lake, Comet
     * Lake.
     */
    static const u8 skylake[] = { 0x4e, 0x5e, 0x55, 0x66, 0x8e, 0x9e, 0xa5, 0xa6 };
    u32 seven[4] = { 0 }, ext[4] = { 0 };

    if (cpu.max_leaf >= 7)
        cpuid(7, 0, seven);
    if (cpu.max_ext_leaf >= 0x80000008)
        cpuid(0x80000008, 0, ext);
    facts.intel = !strcmp(cpu.vendor, "GenuineIntel");
    facts.amd = !strcmp(cpu.vendor, "AuthenticAMD") || !strcmp(cpu.vendor, "HygonGenuine");
    facts.smep = cpu.smep;
    facts.family6 = cpu.family == 6;
    facts.rtm = seven[1] & (1u << 11);
    for (unsigned int i = 0; i < ARRAY_SIZE(skylake); i++)
        facts.bad_retpoline |= facts.intel && cpu.family == 6 && cpu.model == skylake[i];
    facts.btc = facts.amd && (cpu.family == 0x17 || cpu.family == 0x18) && !(ext[1] & (1u << 29));
    facts.md_clear = seven[3] & (1u << 10);
    facts.ibrs = (seven[3] & (1u << 26)) || (ext[1] & (1u << 14));
    facts.ibpb = (seven[3] & (1u << 26)) || (ext[1] & (1u << 12));
    facts.stibp = (seven[3] & (1u << 27)) || (ext[1] & (1u << 15));
    facts.ssbd = (seven[3] & (1u << 31)) || (ext[1] & (1u << 24));
    if (cpu.arch_capabilities && !rdmsr_safe(MSR_ARCH_CAPABILITIES, &facts.arch_caps))
        facts.arch_caps = 0;
}

static void report(void)
{
    static const char *const on[] = { "off", "on" };
    const struct spec_plan *p = &spec_plan;
    const char *thunk = p->thunk == SPEC_PATCH_JMP ? "jmp" : p->thunk == SPEC_PATCH_LFENCE ? "lfence" :
                        "retpoline";
    const char *ibrs = !p->ibrs ? "no" : p->always_ibrs ? "always" : "entry";
    const char *ibpb = p->ibpb_entry ? "entry" : p->ibpb ? "switch" : "no";
    bool meltdown = facts.intel && !(facts.arch_caps & SPEC_CAP_RDCL_NO);

    printk("xpti: page-table isolation: Domain-0 %s, other domains %s (processor %s to Meltdown)\n",
           on[p->xpti_dom0], on[p->xpti_domu], meltdown ? "may be open" : "not open");
    printk("pv-l1tf: not-present page-table entries checked: Domain-0 %s, other domains %s\n",
           on[p->l1tf_dom0], on[p->l1tf_domu]);
    printk("spec-ctrl: bti-thunk=%s ibrs=%s ibpb=%s ssbd=%s rsb=%s md-clear=%s; "
           "indices clamped; FPU switched eagerly\n",
           thunk, ibrs, ibpb, p->ssbd ? "yes" : "no", p->rsb ? "entry" : "no", p->md_clear ? "exit" : "no");
    if (options.ibrs > 0 && !p->ibrs)
        log_warn("spec-ctrl=ibrs: this processor has no IBRS; it stays off\n");
    if (options.ibpb > 0 && !p->ibpb)
        log_warn("spec-ctrl=ibpb: this processor has no IBPB; it stays off\n");
    if (options.ssbd > 0 && !p->ssbd)
        log_warn("spec-ctrl=ssbd: this processor has no SSBD, or does not need it; it stays off\n");
}

void spec_init(void)
{
    bool ctrl;

    gather_facts();
    spec_decide(&facts, &options, &spec_plan);
    isolate_dom0 = spec_plan.xpti_dom0;
    isolate_domu = spec_plan.xpti_domu;
    ctrl = spec_plan.ibrs && !spec_plan.always_ibrs;
    if (isolation_on())
        patch(SPEC_PATCH_XPTI);
    if (ctrl)
        patch(SPEC_PATCH_CTRL);
    if (spec_plan.rsb)
        patch(SPEC_PATCH_RSB);
    if (spec_plan.md_clear)
        patch(SPEC_PATCH_VERW);
    if (spec_plan.ibpb_entry)
        patch(SPEC_PATCH_IBPB);
    if (isolation_on() || ctrl || spec_plan.rsb || spec_plan.md_clear || spec_plan.ibpb_entry)
        patch(SPEC_PATCH_ANY);
    if (spec_plan.thunk)
        patch(spec_plan.thunk);
    report();
}

void spec_init_cpu(void)
{
    struct cpu_info *s = cpu_info();

    /*
     * STIBP: a sibling thread's predictions are kept apart; guests have no SPEC_CTRL of their own to ask for
     * it.
     */
    s->guest_ctrl = (spec_plan.ssbd ? CTRL_SSBD : 0) | (facts.stibp && spec_plan.ibrs ? CTRL_STIBP : 0);
    if (spec_plan.ibrs && spec_plan.always_ibrs)
        s->guest_ctrl |= CTRL_IBRS;
    s->hv_ctrl = s->guest_ctrl | (spec_plan.ibrs ? CTRL_IBRS : 0);
    if (s->hv_ctrl)
        wrmsr(MSR_SPEC_CTRL, s->hv_ctrl);
}

/* Whose guest ran here last; only to be compared. */
static DEFINE_PER_CPU(const struct domain *, last_domain);

void spec_switch(const struct vcpu *next)
{
    if (likely(!spec_plan.ibpb) || is_idle(next) || this_cpu(last_domain) == next->domain)
        return;
    this_cpu(last_domain) = next->domain;
    wrmsr(MSR_PRED_CMD, CMD_IBPB);
}
