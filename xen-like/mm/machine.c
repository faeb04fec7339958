/* SPDX-License-Identifier: MIT */
/* What the machine and the command line have to say about page-table entries (machine.h). */
#include "mm/machine.h"

#include "cpu/features.h"
#include "cpu/msr.h"
#include "lib/log.h"
#include "lib/option.h"
#include "lib/string.h"
#include "mm/mm.h"

#define ARCH_CAP_RDCL_NO 1  /* MSR_ARCH_CAPABILITIES: no Meltdown, no L1TF */

u64 pte_nx_refused;
bool l1tf_active;

static u64 l1tf_safe_from;      /* addresses from here on are never cached */

/* pv-l1tf=: yes, no, or dom0=yes|no,domu=yes|no. -1: as the processor needs it. */
static struct { int dom0, domu; } l1tf_wanted = { -1, -1 };

static bool parse_l1tf(const struct option *o, const char *value)
{
    int both = option_word_to_bool(value);

    (void)o;
    if (both >= 0) {
        l1tf_wanted.dom0 = l1tf_wanted.domu = both;
        return true;
    }
    while (*value) {
        const char *end = strchr(value, ',');
        size_t n = end ? (size_t)(end - value) : strlen(value);
        char word[8];
        int on;

        if (n < 6 || n - 5 >= sizeof(word) || (strncmp(value, "dom0=", 5) && strncmp(value, "domu=", 5)))
            return false;
        strlcpy(word, value + 5, n - 5 + 1);
        on = option_word_to_bool(word);
        if (on < 0)
            return false;
        *(value[3] == '0' ? &l1tf_wanted.dom0 : &l1tf_wanted.domu) = on;
        value += n + (end != NULL);
    }
    return true;
}
OPTION_CUSTOM("pv-l1tf", parse_l1tf, l1tf_wanted);

void mm_machine_init(void)
{
    bool vulnerable = !strcmp(cpu.vendor, "GenuineIntel") && cpu.family == 6;
    u64 caps;

    if (vulnerable && cpu.arch_capabilities && rdmsr_safe(MSR_ARCH_CAPABILITIES, &caps) && (caps & ARCH_CAP_RDCL_NO))
        vulnerable = false;
    if (l1tf_wanted.dom0 < 0)
        l1tf_wanted.dom0 = 0;
    if (l1tf_wanted.domu < 0)
        l1tf_wanted.domu = vulnerable;
    l1tf_active = l1tf_wanted.dom0 || l1tf_wanted.domu;
    l1tf_safe_from = 1UL << (min(cpu.phys_bits, 52u) - 1);
    pte_nx_refused = cpu.nx ? 0 : PTE_NX;
    log_info("L1TF: processor %s; not-present page-table entries checked: Domain-0 %s, other domains %s\n",
             vulnerable ? "vulnerable" : "not vulnerable", l1tf_wanted.dom0 ? "yes" : "no",
             l1tf_wanted.domu ? "yes" : "no");
}

bool l1tf_dangerous(struct domain *d, u64 pte)
{
    u64 addr = pte & PTE_ADDR;

    if (!(d->hardware ? l1tf_wanted.dom0 : l1tf_wanted.domu) || !addr || addr >= l1tf_safe_from)
        return false;
    guest_log(d->id, LOG_ERR, "not-present page-table entry %016lx could be used by speculation (L1TF): ended; "
              "use a kernel with the L1TF fix, or pv-l1tf=no\n", (unsigned long)pte);
    domain_crash(d);
    return true;
}

/* --- device memory --- */

/* What no domain may map, or write to. */
static struct { u64 first, last; bool readable; } closed[32];
static unsigned int nr_closed;

static void close_mmio(u64 start, u64 end, bool readable)
{
    if (nr_closed == ARRAY_SIZE(closed))
        panic("More than %u device regions are the hypervisor's own", nr_closed);
    closed[nr_closed].first = start >> PAGE_SHIFT;
    closed[nr_closed].last = (end - 1) >> PAGE_SHIFT;
    closed[nr_closed++].readable = readable;
}

void mm_close_mmio(u64 start, u64 end)
{
    close_mmio(start, end, false);
}

void mm_readonly_mmio(u64 start, u64 end)
{
    close_mmio(start, end, true);
}

bool mmio_permitted(const struct domain *d, mfn_t mfn, bool *readonly)
{
    if (!d->hardware || mfn.v >= 1UL << (cpu.phys_bits - PAGE_SHIFT))
        return false;
    *readonly = false;
    for (unsigned int i = 0; i < nr_closed; i++)
        if (mfn.v >= closed[i].first && mfn.v <= closed[i].last) {
            if (!closed[i].readable)
                return false;
            *readonly = true;
        }
    return true;
}
