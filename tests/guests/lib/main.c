/* SPDX-License-Identifier: MIT */
/*
 * The C side of the first instruction: maps shared_info, brings up the framework, runs the test, ends.
 */
#include "guest.h"

#include <xen/io/console.h>

struct start_info *start_info;
struct shared_info *shared_info, shared_at_start;
struct xencons_interface console_at_start;
void guest_start(struct start_info *info) __attribute__((noreturn));

static char shared_page[PAGE_SIZE] __attribute__((aligned(4096)));
static bool dom0, tcg;

bool is_dom0(void)
{
    return dom0;
}

bool under_tcg(void)
{
    return tcg;
}

void guest_start(struct start_info *info)
{
    struct cpuid_regs r;
    long ret;

    start_info = info;
    dom0 = info->flags & SIF_INITDOMAIN;
    ret = update_va((unsigned long)shared_page, info->shared_info | L1_FLAGS, UVMF_INVLPG);
    shared_info = (struct shared_info *)shared_page;
    if (ret)
        bail_out("cannot map shared_info: %ld", ret);
    shared_at_start = *shared_info;
    if (!dom0)
        console_at_start = *(struct xencons_interface *)mfn_to_va(info->console.domU.mfn);
    mm_init();
    event_init();
    trap_init();
    /* Leaf 0x40000000 of the machine itself names TCG; a hypervisor that faults CPUID hides it. */
    r = cpuid_native(0x40000000, 0);
    tcg = r.ebx == 0x54474354 && r.ecx == 0x43544743;
    print("# test %s\n", test_name);
    test_main();
    report_end();
}
