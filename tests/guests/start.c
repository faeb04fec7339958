/* SPDX-License-Identifier: MIT */
/*
 * What else a domain finds when it starts, beside the memory and registers of entry.c: the shared page word by
 * word, event channels, rings, grants, limits of memory, vCPUs, control registers, segments, feature words and
 * the hypervisor's CPUID leaves; as Domain-0, and as a guest that the toolstack made (a guest has two vCPUs,
 * 64 MiB and may have 66).  Sources: xen.h, features.h, memory.h, grant_table.h, arch-x86/cpuid.h, io/console.h.
 */
#include "guest.h"

#include <xen/arch-x86/cpuid.h>
#include <xen/io/console.h>

#define VA 0x0000123456789000UL
#define GUEST_MEMORY (64UL << 20)
#define GUEST_MAXIMUM (66UL << 20)

PROBE(p_cr0, "mov %cr0, %rax");
PROBE(p_cr4, "mov %cr4, %rax");
PROBE(p_rdmsr, "mov %edi, %ecx\nrdmsr\nshl $32, %rdx\nor %rdx, %rax");

static void check_shared(void)
{
    static const struct shared_info zero;
    struct shared_info seen = shared_at_start;
    unsigned masked = 0;

    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
        masked += seen.vcpu_info[i].evtchn_upcall_mask;
        seen.vcpu_info[i].evtchn_upcall_mask = 0;
    }
    check_eq(masked, XEN_LEGACY_MAX_VCPUS, "every vCPU's upcalls start masked");
    check(seen.vcpu_info[0].time.tsc_to_system_mul && seen.vcpu_info[0].time.system_time,
          "the first vCPU knows the time");
    check(seen.wc_version && seen.wc_version % 2 == 0, "and the wall clock");
    memset(&seen.vcpu_info[0].time, 0, sizeof(seen.vcpu_info[0].time));
    memset(&seen.wc_version, 0, 3 * sizeof(seen.wc_version));
    seen.wc_sec_hi = 0;
    check_eq(memcmp(&seen, &zero, sizeof(seen)), 0, "all else of the shared page is 0: no event, no list");
}

static unsigned port_state(unsigned port, unsigned *peer)
{
    struct evtchn_status status;

    if (evtchn_status_of(port, &status))
        return EVTCHNSTAT_closed;       /* beyond those that there is memory for */
    *peer = status.u.interdomain.dom;
    return status.status;
}

static void check_ports(void)
{
    unsigned store = start_info->store_evtchn, console = start_info->console.domU.evtchn, peer = 77, used = 0;

    for (unsigned port = 1; port < 256; port++)
        if (is_dom0() || (port != store && port != console))
            used += port_state(port, &peer) != EVTCHNSTAT_closed;
    check_eq(used, 0, "no other port is in use");
    if (is_dom0())
        return;
    check(store && console && store != console, "there are a port for the store, and one for the console");
    check_eq(port_state(store, &peer), EVTCHNSTAT_interdomain, "the store's is connected");
    check_eq(peer, 0, "to Domain-0");
    check_eq(port_state(console, &peer), EVTCHNSTAT_interdomain, "the console's is connected");
    check_eq(peer, 0, "to Domain-0, too");
    check(console_at_start.in_prod == 0 && console_at_start.out_prod == 0, "the console's ring is empty");
    check_eq(va_to_pfn(mfn_to_va(start_info->store_mfn)), va_to_pfn(start_info) + 1,
             "the store's page follows start_info");
    check_eq(va_to_pfn(mfn_to_va(start_info->console.domU.mfn)), va_to_pfn(start_info) + 2,
             "the console's follows that");
}

static void check_grants(void)
{
    static const unsigned reserved[] = { GNTTAB_RESERVED_CONSOLE, GNTTAB_RESERVED_XENSTORE };
    const unsigned long frames[] = { start_info->console.domU.mfn, start_info->store_mfn };
    struct gnttab_query_size query = { .dom = DOMID_SELF };
    struct gnttab_get_version version = { .dom = DOMID_SELF };
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
    volatile grant_entry_v1_t *table = (grant_entry_v1_t *)VA;
    xen_pfn_t frame;
    unsigned used = 0;

    check_eq(HC(grant_table_op, GNTTABOP_query_size, &query, 1) ?: query.status, 0, "the grant table's size");
    check(query.nr_frames == 1 && query.max_nr_frames == 64, "is one frame of 64");
    check_eq(HC(grant_table_op, GNTTABOP_get_version, &version, 1) ?: (long)version.version, 1,
             "its version is 1");
    set_xen_guest_handle(setup.frame_list, &frame);
    if (HC(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status ||
        map_page(VA, PTE(frame, L1_FLAGS)))
        bail_out("cannot map the grant table");
    for (unsigned i = is_dom0() ? 0 : GNTTAB_NR_RESERVED_ENTRIES; i < PAGE_SIZE / sizeof(*table); i++)
        used += table[i].flags || table[i].frame;
    check_eq(used, 0, "its free entries are 0");
    for (unsigned i = 0; i < 2 && !is_dom0(); i++) {
        check_eq(table[reserved[i]].flags & (GTF_type_mask | GTF_readonly), GTF_permit_access,
                 "reserved entry %u is a grant", reserved[i]);
        check_eq(table[reserved[i]].domid, 0, "reserved entry %u is for Domain-0", reserved[i]);
        check_eq(table[reserved[i]].frame, frames[i], "reserved entry %u has the page's frame", reserved[i]);
    }
}

static void check_memory(void)
{
    static struct __attribute__((packed)) { uint64_t start, size; uint32_t type; } entries[8];
    struct xen_memory_map map = { .nr_entries = ARRAY_SIZE(entries) };
    domid_t self = DOMID_SELF;

    set_xen_guest_handle(map.buffer, (void *)entries);
    check_eq(HC(memory_op, XENMEM_current_reservation, &self), start_info->nr_pages, "it has nr_pages");
    check_eq(HC(memory_op, XENMEM_maximum_gpfn, &self), 0, "its highest pfn is its own to say: 0");
    check_eq(HC(memory_op, XENMEM_maximum_reservation, &self), is_dom0() ? 80 << 8 : 65 << 8,
             "it may have what dom0_mem says, and a guest 1 MiB above its memory");
    if (is_dom0()) {
        check_eq(HC(memory_op, XENMEM_memory_map, &map), -GE_NOSYS, "Domain-0 has no memory map of its own");
        return;
    }
    check_eq(start_info->nr_pages, GUEST_MEMORY / PAGE_SIZE, "nr_pages is memory=");
    check_eq(HC(memory_op, XENMEM_memory_map, &map), 0, "there is a memory map");
    check(map.nr_entries == 1 && entries[0].start == 0 && entries[0].size == GUEST_MAXIMUM &&
          entries[0].type == 1, "it is RAM from 0 up to maxmem=");
    check_eq(HC(memory_op, XENMEM_machine_memory_map, &map), -GE_PERM, "the machine's is not for guests: -EPERM");
}

static void check_vcpus(void)
{
    struct vcpu_runstate_info state = { 0 };
    struct vcpu_get_physid physid;

    check_eq(HC(vcpu_op, VCPUOP_is_up, 0, 0), 1, "vCPU 0 is up");
    check_eq(HC(vcpu_op, VCPUOP_is_up, 1, 0), is_dom0() ? -GE_NOENT : 0, "vCPU 1 is down, if there is one");
    check_eq(HC(vcpu_op, VCPUOP_is_up, 2, 0), -GE_NOENT, "vCPU 2 is not there: -ENOENT");
    check_eq(HC(vcpu_op, VCPUOP_get_runstate_info, 0, &state) ?: state.state, RUNSTATE_running,
             "vCPU 0 runs");
    check_eq(HC(vcpu_op, VCPUOP_get_physid, 0, &physid), is_dom0() ? 0 : -GE_INVAL,
             "its physical CPU is for a pinned vCPU to know, as Domain-0's is on one CPU");
}

static void check_registers(void)
{
    static const unsigned msrs[] = { 0xc0000100, 0xc0000101, 0xc0000102 };

    check(boot_regs.ds == 0 && boot_regs.es == 0 && boot_regs.fs == 0 && boot_regs.gs == 0,
          "ds, es, fs and gs are null");
    for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
        check_eq(trap_try(p_rdmsr, msrs[i]) ?: (long)trap_try_value, 0, "segment base MSR 0x%x is 0", msrs[i]);
    check_eq(trap_try(p_cr0, 0) ?: (long)trap_try_value, 0x80050033, "CR0: PG, AM, WP, NE, ET, MP, PE");
    check_eq(trap_try(p_cr4, 0) ?: (long)trap_try_value, 0x660, "CR4: OSXMMEXCPT, OSFXSR, MCE, PAE");
    for (unsigned i = 0; i < 4; i++)
        check_eq(HC(get_debugreg, i), 0, "DR%u is 0", i);
    check_eq(HC(get_debugreg, 6), 0xffff0ff0, "DR6 says that nothing happened");
    check_eq(HC(get_debugreg, 7), 0x400, "DR7 has no breakpoint on");
}

static unsigned features(void)
{
    struct xen_feature_info info = { .submap_idx = 0 };

    return HC(xen_version, XENVER_get_features, &info) ? ~0u : info.submap;
}

static void check_features(void)
{
    unsigned pae = 1u << XENFEAT_pae_pgdir_above_4gb;
    unsigned all = 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
                   1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_memory_op_vnode_supported |
                   1u << XENFEAT_direct_mapped;

    check_eq(features(), is_dom0() ? all | pae | 1u << XENFEAT_dom0 : all, "the feature word");
    check_eq(HC(vm_assist, VMASST_CMD_disable, VMASST_TYPE_pae_extended_cr3), 0,
             "the VM assist pae_extended_cr3 is turned off");
    check_eq(features() & pae, 0, "pae_pgdir_above_4gb is off with it");
    check_eq(HC(vm_assist, VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3), 0, "it is turned on");
    check_eq(features() & pae, pae, "pae_pgdir_above_4gb is on with it");
}

static void check_cpuid(void)
{
    struct cpuid_regs r = cpuid_forced(XEN_CPUID_LEAF(0), 0);
    unsigned long limit = HC(memory_op, XENMEM_maximum_ram_page, 0);

    check(r.eax == XEN_CPUID_LEAF(5) && r.ebx == XEN_CPUID_SIGNATURE_EBX && r.ecx == XEN_CPUID_SIGNATURE_ECX &&
          r.edx == XEN_CPUID_SIGNATURE_EDX, "CPUID: five leaves after the signature");
    check_eq(cpuid_forced(XEN_CPUID_LEAF(1), 0).eax, 4 << 16 | 17, "CPUID: the version");
    r = cpuid_forced(XEN_CPUID_LEAF(2), 0);
    check(r.eax == 1 && r.ebx == XEN_CPUID_LEAF(0) && r.ecx == XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD,
          "CPUID: one hypercall page, its MSR, MMU_PT_UPDATE_PRESERVE_AD");
    check_eq(cpuid_forced(XEN_CPUID_LEAF(3), 0).ebx, 0, "CPUID: the time-stamp counter's mode is the default");
    check(cpuid_forced(XEN_CPUID_LEAF(3), 2).eax, "CPUID: the machine's frequency");
    r = cpuid_forced(XEN_CPUID_LEAF(4), 0);
    check_eq(r.eax | r.ebx | r.ecx | r.edx, 0, "CPUID: leaf 4 is not for PV");
    check_eq(cpuid_forced(XEN_CPUID_LEAF(5), 0).ebx, 64 - __builtin_clzl(limit << PAGE_SHIFT),
             "CPUID: the width of the machine's addresses is that of its memory's");
    check_eq(cpuid_forced(XEN_CPUID_LEAF(6), 0).eax, 0, "CPUID: no leaf 6");
    r = cpuid_forced(1, 0);
    check(r.ecx & 1u << 31, "CPUID: there is a hypervisor");
    check_eq(r.ecx >> 27 & 1, r.ecx >> 26 & 1, "CPUID: OSXSAVE with XSAVE, before CR4 has it: Linux goes by that");
}

TEST_MAIN("start")
{
    check_shared();
    check_ports();
    check_grants();
    check_memory();
    check_vcpus();
    check_registers();
    check_features();
    check_cpuid();
}
