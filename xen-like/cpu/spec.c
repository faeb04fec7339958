/* SPDX-License-Identifier: MIT */
/*
 * Protections against transient execution (spec.h): what the processor and the command line say, the
 * patching, the MSRs. The decision is cpu/spec_plan.c's. Bits of CPUID and MSRs: SDM vol. 4, table 2-2, and
 * Intel's "Speculative Execution Side Channel Mitigations"; AMD's "Indirect Branch Control Extension".
 */
#include "cpu/spec.h"

#include "cpu/asm.h"
#include "cpu/features.h"
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
static bool parse(const struct option *o, const char *value)
{
    const struct spec_options before = options;
    bool ok = o->target ? spec_parse_pair(o->target, value) : spec_parse(&options, value);

    if (!ok)
        options = before;
    return ok;
}

static const struct option __section(".options") __attribute__((used, aligned(8))) rows[] = {
    { "spec-ctrl", parse, NULL, 0 },
    { "xpti", parse, &options.xpti, 0 },
    { "pv-l1tf", parse, &options.l1tf, 0 },
};

/* --- patching --- */

extern struct spec_slot spec_patch_start[], spec_patch_end[];

/* features: bits 1 << SPEC_PATCH_*. */
static void patch(u32 features)
{
    for (const struct spec_slot *s = spec_patch_start; s < spec_patch_end; s++) {
        u8 *at = (u8 *)((unsigned long)&s->at + s->at), bytes[5];
        const u8 *to = (const u8 *)((unsigned long)&s->to + s->to);

        if (!(features & 1u << s->feature))
            continue;
        spec_patch_bytes(bytes, at, to, (s32)(to - at), s->feature);
        memcpy(at, s->feature == SPEC_PATCH_SMAP ? to : bytes, s->feature == SPEC_PATCH_SMAP ? 3 : 5);
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
    const bool ibrs_ibpb = cpuid_bit(7, EDX, 26);
    const bool zen12 = cpu.amd && (cpu.family == 0x17 || cpu.family == 0x18);

    facts = (struct spec_cpu_facts){
        .intel = cpu.intel, .family6 = cpu.family == 6, .smep = cpu.smep, .rtm = cpuid_bit(7, EBX, 11),
        .btc = zen12 && !cpuid_bit(0x80000008, EBX, 29),
        .md_clear = cpuid_bit(7, EDX, 10),
        .ibrs = ibrs_ibpb || cpuid_bit(0x80000008, EBX, 14),
        .ibpb = ibrs_ibpb || cpuid_bit(0x80000008, EBX, 12),
        .stibp = cpuid_bit(7, EDX, 27) || cpuid_bit(0x80000008, EBX, 15),
        .ssbd = cpuid_bit(7, EDX, 31) || cpuid_bit(0x80000008, EBX, 24),
        .bad_retpoline = cpu.intel && cpu.family == 6 && memchr(skylake, cpu.model, sizeof(skylake)),
    };
    if (cpuid_bit(7, EDX, 29))
        rdmsr_safe(MSR_ARCH_CAPABILITIES, &facts.arch_caps);
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
    const struct spec_plan *p = &spec_plan;

    gather_facts();
    spec_decide(&facts, &options, &spec_plan);
    isolate_dom0 = p->xpti_dom0;
    isolate_domu = p->xpti_domu;
    u32 features = (isolation_on() ? 1u << SPEC_PATCH_XPTI : 0) |
                   (p->ibrs && !p->always_ibrs ? 1u << SPEC_PATCH_CTRL : 0) |
                   (p->rsb ? 1u << SPEC_PATCH_RSB : 0) | (p->md_clear ? 1u << SPEC_PATCH_VERW : 0) |
                   (p->ibpb_entry ? 1u << SPEC_PATCH_IBPB : 0);
    patch(features | (features ? 1u << SPEC_PATCH_ANY : 0) | (p->thunk ? 1u << p->thunk : 0) |
          (cpu.smap ? 1u << SPEC_PATCH_SMAP : 0));
    report();
}

void spec_init_cpu(void)
{
    const struct spec_plan *p = &spec_plan;
    struct cpu_info *info = cpu_info();

    /*
     * STIBP: a sibling thread's predictions are kept apart; guests have no SPEC_CTRL of their own to ask for
     * it.
     */
    info->guest_ctrl = (p->ssbd ? CTRL_SSBD : 0) | (facts.stibp && p->ibrs ? CTRL_STIBP : 0) |
                       (p->ibrs && p->always_ibrs ? CTRL_IBRS : 0);
    info->hv_ctrl = info->guest_ctrl | (p->ibrs ? CTRL_IBRS : 0);
    if (info->hv_ctrl)
        wrmsr(MSR_SPEC_CTRL, info->hv_ctrl);
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
