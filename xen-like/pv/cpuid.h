/* SPDX-License-Identifier: MIT */
/*
 * What CPUID answers. A policy holds the leaves that a toolstack may choose from; the others follow from them
 * and from the processor.
 */
#pragma once

#include "lib/lib.h"

struct vcpu;

struct cpuid_result { u32 a, b, c, d; };

/* Bounds of the leaves that can be named at all, as Debian's tools know them. */
#define CPUID_MAX_BASIC    0xdu
#define CPUID_MAX_EXTENDED 0x80000021u

/* Rows of a policy; the leaf and the subleaf of each, and its bits, are in cpuid.c. */
enum {
    CPUID_ROW_0, CPUID_ROW_1, CPUID_ROW_7, CPUID_ROW_7_1, CPUID_ROW_D_1, CPUID_ROW_EXT0, CPUID_ROW_EXT1,
    CPUID_ROW_EXT8, NR_CPUID_ROWS
};

struct cpuid_policy {
    struct cpuid_result row[NR_CPUID_ROWS];
};

/* The most that a guest may be given, and what it gets where its toolstack does not choose. */
extern struct cpuid_policy cpuid_pv;

void cpuid_init(void);      /* boot: makes cpuid_pv */
/* A leaf as p has it, without what depends on the vCPU that asks. p NULL: as the processor has it. */
struct cpuid_result cpuid_leaf(const struct cpuid_policy *p, u32 leaf, u32 subleaf);
/* The row of a leaf; NULL: nothing can be chosen there. */
struct cpuid_result *cpuid_row(struct cpuid_policy *p, u32 leaf, u32 subleaf);
/* Takes out of p what cpuid_pv does not have. False where it has more leaves than that; *leaf says which. */
bool cpuid_limit(struct cpuid_policy *p, u32 *leaf);

/* What v's guest gets. */
struct cpuid_result pv_cpuid(struct vcpu *v, u32 leaf, u32 subleaf);
