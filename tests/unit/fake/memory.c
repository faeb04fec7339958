/* SPDX-License-Identifier: MIT */
/* The small physical memory of host tests (memory.h), and what mm/ and grant/ call elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake/memory.h"

#include "cpu/desc.h"
#include "cpu/smp.h"
#include "lib/log.h"
#include "lib/option.h"
#include "mm/arch.h"
#include "mm/guest.h"
#include "mm/machine.h"
#include "pv/hypercall.h"

struct domain *fake_domains[FAKE_DOMAINS];
struct domain *hardware_domain, *domain_idle, *domain_io, *domain_xen;
unsigned int fake_preempt_every, fake_crashes;
unsigned long fake_args[6];
bool fake_restarted;

/* Of the entry code and the IDT only the addresses matter, and those only where a CPU is isolated. */
const char entry_text_start[1], entry_text_end[1];
struct idt_gate idt[256];

u64 fake_cr3;
unsigned long fake_tlb_flushes;

/* --- what mm/init.c and mm/machine.c have on the real machine --- */

#ifndef FAKE_REAL_INIT
struct boot_memory boot_memory;
u64 frame_limit;
unsigned long *frame_bitmap;
mfn_t hv_root;
u64 *hv_l4;
u64 pte_nx_refused;
bool l1tf_active;

bool l1tf_dangerous(struct domain *d, u64 pte)
{
    (void)d, (void)pte;
    return false;
}

/* One page of device memory, at frame 0xfe000. */
u64 mmio_allowed(const struct domain *d, mfn_t mfn)
{
    return d->hardware && mfn.v == 0xfe000 ? PTE_P | PTE_RW : 0;
}

u64 *table_entry(u64 *table, unsigned int from, unsigned long va, unsigned int level)
{
    (void)table, (void)from, (void)va, (void)level;
    return NULL;
}

u64 *hv_entry(unsigned long va, unsigned int level)
{
    return table_entry(hv_l4, 4, va, level);
}

u64 hv_large_mfn(unsigned long va)
{
    (void)va;
    return 0;
}

void root_fill_hv_slots(u64 *l4, bool isolated)
{
    for (unsigned int i = HV_L4_FIRST; i <= HV_L4_LAST; i++)
        l4[i] = isolated ? 0 : 0xabcd000000000UL + i;
}
#endif

static void map_fixed(unsigned long at, size_t size)
{
    void *p = mmap((void *)at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
                   -1, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
}

void fake_memory(unsigned int frames)
{
    static unsigned long bitmap[1024];
    static struct domain xen, io, *owner_table[DOMID_FIRST_RESERVED];

    map_fixed(FRAME_TABLE_START, ALIGN_UP(frames * sizeof(struct frame), PAGE_SIZE));
    map_fixed(M2P_RW_START, ALIGN_UP(frames * 8UL, PAGE_SIZE));
    map_fixed(DIRECT_MAP_START, frames * PAGE_SIZE);
    fake_machine(2);
    memset(bitmap, 0xff, sizeof(bitmap));
    xen.id = DOMID_XEN;
    io.id = DOMID_IO;
    domain_xen = &xen;
    domain_io = &io;
    owners = owner_table;
#ifndef FAKE_REAL_INIT
    frame_bitmap = bitmap;
    frame_limit = frames;
    buddy_total = frames;
    buddy_init_range(1, frames);
#endif
}

/* --- domains --- */

struct domain *fake_memory_domain(domid_t id, u32 max_pages)
{
    struct domain *d = fake_domain(id, 2);

    spin_lock_init(&d->page_lock, LOCK_PAGE_ALLOC);
    d->state = DOMAIN_ALIVE;
    d->mm.max_pages = max_pages;
    d->pv.vm_assist = 1u << VMASST_TYPE_writable_pagetables;
    fake_domains[id] = d;
    if (id == 0) {
        d->privileged = d->hardware = true;
        hardware_domain = d;
        fake_run_as(d);
    }
    return d;
}

void fake_run_vcpu(struct vcpu *v)
{
    fake_cpu = 0;
    current = v;
    root_load(v);
}

void fake_run_as(struct domain *d)
{
    fake_run_vcpu(d->vcpu[0]);
}

static void run_idle(void)
{
    static struct domain idle_domain = { .id = DOMID_IDLE };
    static struct vcpu idle = { .idle = true, .domain = &idle_domain };

    fake_run_vcpu(&idle);
}

struct domain *domain_get(domid_t id)
{
    struct domain *d = id == DOMID_SELF ? current->domain : id < FAKE_DOMAINS ? fake_domains[id] : NULL;

    return d && domain_get_ref(d) ? d : NULL;
}

bool domain_get_ref(struct domain *d)
{
    if (!d->refs)
        return false;
    d->refs++;
    return true;
}

void domain_put(struct domain *d)
{
    if (--d->refs)
        return;
    if (d->mm.tot_pages || d->mm.shared_pages)
        abort();
    if (d->grant)
        grant_free_domain(d);
    fake_domains[d->id] = NULL;
    if (hardware_domain == d)
        hardware_domain = NULL;
    fake_free_domain(d);
}

void domain_crash(struct domain *d)
{
    (void)d;
    fake_crashes++;
}

void fake_domain_kill(struct domain *d)
{
    run_idle();
    d->state = DOMAIN_DYING;
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        while (vcpu_drop_roots(d->vcpu[i]))
            ;
    if (d->grant)
        while (grant_release_mappings(d))
            ;
    while (mm_relinquish_domain(d))
        ;
    domain_put(d);
}

int pv_set_ldt(struct vcpu *v, unsigned long base, unsigned int ents)
{
    (void)v, (void)base, (void)ents;
    return 0;
}

/* --- the machine --- */

void guest_log(unsigned domid, enum log_level level, const char *fmt, ...)
{
    (void)domid, (void)level, (void)fmt;
}

bool option_parse_bool(const struct option *o, const char *value)
{
    (void)o, (void)value;
    return false;
}

bool option_parse_size(const struct option *o, const char *value)
{
    (void)o, (void)value;
    return false;
}

void smp_call(const struct cpumask *mask, void (*fn)(void *), void *arg, bool wait)
{
    unsigned int before = fake_cpu, cpu;

    (void)wait;
    for (cpu = 0; cpu < cpu_count; cpu++)
        if (test_bit(cpu, mask->bits)) {
            fake_cpu = cpu;
            fn(arg);
        }
    fake_cpu = before;
}

void clear_page(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

void copy_page(void *to, const void *from)
{
    memcpy(to, from, PAGE_SIZE);
}

bool get_guest_u64(u64 *to, unsigned long from)
{
    return copy_from_guest(to, from, sizeof(*to)) == 0;
}

bool get_guest_2_u64(u64 to[2], unsigned long from)
{
    return copy_from_guest(to, from, 16) == 0;
}

bool get_guest_3_u64(u64 to[3], unsigned long from)
{
    return copy_from_guest(to, from, 24) == 0;
}

/* --- hypercalls --- */

long hypercall_restart(unsigned int n, const unsigned long *args)
{
    memcpy(fake_args, args, n * sizeof(args[0]));
    fake_restarted = true;
    return -ERESTART;
}

bool hypercall_preempt_check(void)
{
    return fake_preempt_every && !fake_random(fake_preempt_every);
}

long fake_hypercall4(long (*fn)(unsigned long, unsigned int, unsigned long, unsigned int), unsigned long a,
                     unsigned int b, unsigned long c, unsigned int d)
{
    long rc;

    fake_args[0] = a, fake_args[1] = b, fake_args[2] = c, fake_args[3] = d;
    do {
        fake_restarted = false;
        rc = fn(fake_args[0], (unsigned int)fake_args[1], fake_args[2], (unsigned int)fake_args[3]);
    } while (fake_restarted);
    return rc;
}

long fake_hypercall_memory(unsigned int cmd, void *arg)
{
    long rc;

    fake_args[0] = cmd, fake_args[1] = (unsigned long)arg;
    do {
        fake_restarted = false;
        rc = do_memory_op(fake_args[0], fake_args[1]);
    } while (fake_restarted);
    return rc;
}

long fake_hypercall_grant(unsigned int cmd, void *arg, unsigned int count)
{
    long rc;

    fake_args[0] = cmd, fake_args[1] = (unsigned long)arg, fake_args[2] = count;
    do {
        fake_restarted = false;
        rc = do_grant_table_op((unsigned int)fake_args[0], fake_args[1], (unsigned int)fake_args[2]);
    } while (fake_restarted);
    return rc;
}

/* --- random numbers: xorshift64* --- */

static u64 random_state = 1;

void fake_seed(u64 seed)
{
    random_state = seed * 0x9e3779b97f4a7c15UL | 1;
}

unsigned int fake_random(unsigned int n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (unsigned int)((random_state * 0x2545f4914f6cdd1dUL) >> 33) % n;
}
