/* SPDX-License-Identifier: MIT */
/*
 * Protections against attacks by transient execution: what the command line asks for (xpti=, pv-l1tf=,
 * spec-ctrl=), what the processor needs and has, and the patching of the code that carries it out.
 *
 * pv/entry.S has slots of five bytes, each with a row in .spec_patch; spec_init() patches those of the
 * features in use, once, before the image is mapped read-only. docs/protections.md is the manual.
 */
#pragma once

/* What a slot belongs to. */
#define SPEC_PATCH_ANY      0   /* the protected way instead of the plain one, at entries and exits */
#define SPEC_PATCH_XPTI     1   /* a guest's root of its own */
#define SPEC_PATCH_CTRL     2   /* MSR SPEC_CTRL differs between guest and hypervisor */
#define SPEC_PATCH_RSB      3   /* entries overwrite the return stack */
#define SPEC_PATCH_VERW     4   /* exits clear the processor's buffers */
#define SPEC_PATCH_JMP      5   /* indirect branches: as they are */
#define SPEC_PATCH_LFENCE   6   /* indirect branches: behind LFENCE; else they are retpolines */
#define SPEC_PATCH_IBPB     7   /* entries drop the branch predictor's content */
#define SPEC_PATCH_SMAP     8   /* three bytes that become STAC or CLAC (cpu/features.h) */

#ifdef __ASSEMBLY__

/*
 * A slot is five bytes that cpu/spec.c patches while booting: a no-operation that becomes a jump to `to`, or,
 * with inverse, a jump to `to` that becomes a no-operation.
 */
.macro SLOT feature, to, inverse=0
        .if     \inverse
662:    .byte   0xe9
        .long   \to - . - 4
        .else
662:    .byte   0x0f, 0x1f, 0x44, 0x00, 0x00
        .endif
        .pushsection .spec_patch, "a"
        .balign 4
        .long   662b - ., \to - ., \feature
        .popsection
.endm

#else

#include "lib/lib.h"

struct vcpu;

/* MSR_ARCH_CAPABILITIES */
#define SPEC_CAP_RDCL_NO     (1UL << 0)  /* neither Meltdown nor L1TF */
#define SPEC_CAP_IBRS_ALL    (1UL << 1)  /* IBRS is cheap, and meant to stay on */
#define SPEC_CAP_SSB_NO      (1UL << 4)
#define SPEC_CAP_MDS_NO      (1UL << 5)
#define SPEC_CAP_TAA_NO      (1UL << 8)
#define SPEC_CAP_FB_CLEAR    (1UL << 17) /* VERW clears fill buffers, whatever MDS_NO says */

/* A row of .spec_patch: addresses relative to the field itself. */
struct spec_slot {
    s32 at, to;
    u32 feature;        /* SPEC_PATCH_* */
};

/* What the processor says of itself, as far as it matters here. */
struct spec_cpu_facts {
    bool intel, family6, smep, rtm;
    bool bad_retpoline;                     /* returns may be predicted like other branches: Skylake's kin */
    bool btc;                               /* branch type confusion: AMD's Zen 1 and 2 */
    bool ibrs, stibp, ssbd, md_clear, ibpb; /* instructions and MSR bits that it has */
    u64 arch_caps;                          /* MSR_ARCH_CAPABILITIES, 0 without */
};

/* What is done about it; decided from the facts and the options by spec_decide(). */
struct spec_plan {
    bool xpti_dom0, xpti_domu;
    bool l1tf_dom0, l1tf_domu;              /* not-present page-table entries are checked (mm/machine.c) */
    bool ibrs, ssbd, rsb, md_clear;
    bool ibpb, ibpb_entry;                  /* between domains; at entries */
    bool always_ibrs;                       /* IBRS stays on: nothing to do at entries */
    u8 thunk;                               /* SPEC_PATCH_JMP, SPEC_PATCH_LFENCE, or 0: retpoline */
};

extern struct spec_plan spec_plan;

/*
 * Boot CPU, after the command line was read and before mm_init(): decides, patches, and says on the console
 * what is on.
 */
void spec_init(void);
/* Each CPU, before it runs a guest. */
void spec_init_cpu(void);
/*
 * next is about to run where another vCPU, or none, ran before: what that left in the branch predictor is
 * dropped.
 */
void spec_switch(const struct vcpu *next);

/* --- spec_plan.c. -1 in an option: as the processor needs it. --- */
struct spec_pair { s8 dom0, domu; };
struct spec_options {
    struct spec_pair xpti, l1tf;
    s8 all, xen, pv;                        /* spec-ctrl=no, xen=, pv= */
    s8 msr_sc, rsb, md_clear, ibrs, ibpb, ibpb_entry, ssbd;
    s8 thunk;                               /* SPEC_PATCH_*, 0: retpoline */
};
#define SPEC_OPTIONS_NONE { { -1, -1 }, { -1, -1 }, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 }
/*
 * spec-ctrl=, a list of BOOL and [no-]NAME[=BOOL]; xpti= and pv-l1tf=, of BOOL, default, dom0=BOOL,
 * domu=BOOL. False where some item makes no sense; what came before it is set then.
 */
bool spec_parse(struct spec_options *o, const char *value);
bool spec_parse_pair(struct spec_pair *p, const char *value);
void spec_decide(const struct spec_cpu_facts *f, const struct spec_options *o, struct spec_plan *p);
/*
 * The five bytes of a slot of an enabled feature: a jump to `to` where a no-operation stood (five bytes as .S
 * has them), a no-operation where a jump stood; and for SPEC_PATCH_JMP the code at `to` itself. distance: to
 * - at.
 */
void spec_patch_bytes(u8 out[5], const u8 now[5], const u8 *to, s32 distance, u32 feature);

#endif
