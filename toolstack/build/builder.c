/* SPDX-License-Identifier: MIT */
/*
 * The domain builder. All that can be refused without the hypervisor is refused first (image, layout); then
 * the steps below run in order, each a small function, and the first that fails ends in the destruction of
 * the domain. Guest memory is written through foreign mappings of a few frames at a time, which are gone
 * again before the next step, so that no writable mapping of a page table is left when its root is pinned.
 */
#include "builder.h"
#include "elf_image.h"
#include "layout.h"

#include "../lib/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES_PER_MB 256u
/* Frames mapped at a time: a copy of that many fits well into the time slice of a thread. */
#define CHUNK 32u
/*
 * Extents asked for in one call. The hypervisor may have to scrub them, and meanwhile no other thread of this
 * domain runs: 2 MiB is enough.
 */
#define SUPERPAGE_ORDER 9u
#define SUPERPAGE_BATCH 1u
#define SMALL_BATCH 512u

struct builder {
    const struct tn_config *config;
    struct tn_error *err;
    const uint8_t *ramdisk;
    size_t ramdisk_size;
    uint64_t nr_pages;
    domid_t domid;
    bool exists;
    xen_pfn_t *mfns;            /* by pfn */
    struct elf_image image;
    struct boot_layout layout;
    struct built_domain *built;
};

static int refused(struct builder *b, const char *what, long rc)
{
    return tn_fail(b->err, "domain %s: %s: %s", b->config->name, what, tn_xen_error(rc));
}

/* -- Writing guest memory -------------------------------------------------------------------------------- */

/*
 * Fills `pages` pages at `to`, which are the pages from `first` on of the run that write_pages() was given.
 */
typedef void fill_fn(struct builder *b, void *to, uint64_t first, uint64_t pages);

static int write_pages(struct builder *b, uint64_t pfn, uint64_t pages, const char *what, fill_fn *fill)
{
    for (uint64_t done = 0; done < pages;) {
        uint64_t now = pages - done < CHUNK ? pages - done : CHUNK;
        void *to = port_map_foreign(b->domid, b->mfns + pfn + done, now);

        if (!to)
            return tn_fail(b->err,
                           "domain %s: cannot map its frames to write the %s: not enough memory or page"
                           " tables in this domain", b->config->name, what);
        fill(b, to, done, now);
        port_unmap_foreign(to, now);
        done += now;
        port_yield();
    }
    return 0;
}

static void fill_zero(struct builder *b, void *to, uint64_t first, uint64_t pages)
{
    (void)b;
    (void)first;
    memset(to, 0, pages * PORT_PAGE_SIZE);
}

static void fill_kernel(struct builder *b, void *to, uint64_t first, uint64_t pages)
{
    elf_image_copy(&b->image, (b->layout.kernel.pfn + first) * PORT_PAGE_SIZE, to, pages * PORT_PAGE_SIZE);
}

/* Pages of a byte array, the tail of the last one zero. */
static void fill_bytes(void *to, const void *from, size_t size, uint64_t first, uint64_t pages)
{
    size_t offset = first * PORT_PAGE_SIZE, room = pages * PORT_PAGE_SIZE;
    size_t count = size - offset < room ? size - offset : room;

    memcpy(to, (const uint8_t *)from + offset, count);
    memset((uint8_t *)to + count, 0, room - count);
}

static void fill_ramdisk(struct builder *b, void *to, uint64_t first, uint64_t pages)
{
    fill_bytes(to, b->ramdisk, b->ramdisk_size, first, pages);
}

static void fill_p2m(struct builder *b, void *to, uint64_t first, uint64_t pages)
{
    fill_bytes(to, b->mfns, b->nr_pages * sizeof(b->mfns[0]), first, pages);
}

static void fill_tables(struct builder *b, void *to, uint64_t first, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++)
        boot_layout_fill(&b->layout, first + i, b->mfns, (uint64_t *)to + i * 512);
}

static void fill_moved_tables(struct builder *b, void *to, uint64_t first, uint64_t pages)
{
    fill_tables(b, to, first + b->layout.tables.pages, pages);
}

static void fill_start_info(struct builder *b, void *to, uint64_t first, uint64_t pages)
{
    const struct boot_layout *l = &b->layout;
    struct start_info *si = to;
    struct xen_domctl_getdomaininfo info;

    fill_zero(b, to, first, pages);
    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = b->nr_pages;
    if (ctl_info(b->domid, &info) == 0)
        si->shared_info = info.shared_info_frame * PORT_PAGE_SIZE;
    si->store_mfn = b->built->store_mfn;
    si->store_evtchn = b->built->store_port;
    si->console.domU.mfn = b->built->console_mfn;
    si->console.domU.evtchn = b->built->console_port;
    si->pt_base = l->tables.virt;
    si->nr_pt_frames = l->tables.pages;
    si->mfn_list = l->p2m.virt;
    si->first_p2m_pfn = l->p2m.pfn;
    si->nr_p2m_frames = l->p2m_frames;
    if (b->ramdisk_size) {
        si->mod_len = b->ramdisk_size;
        si->mod_start = b->image.mod_start_pfn ? l->ramdisk.pfn : l->ramdisk.virt;
        si->flags |= b->image.mod_start_pfn ? SIF_MOD_START_PFN : 0;
    }
    snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s", b->config->cmdline);
}

/* -- Steps ----------------------------------------------------------------------------------------------- */

static int step_create(struct builder *b)
{
    int rc = ctl_create(&b->domid, b->config->maxvcpus, b->config->uuid);

    if (rc < 0)
        return refused(b, "the hypervisor refuses to create it", rc);
    b->exists = true;
    b->built->domid = b->domid;
    rc = ctl_max_vcpus(b->domid, b->config->maxvcpus);
    if (rc < 0)
        return refused(b, "cannot have its vCPUs", rc);
    rc = ctl_max_mem(b->domid, (uint64_t)b->config->maxmem_mb << 10);
    return rc < 0 ? refused(b, "cannot set its memory limit", rc) : 0;
}

/* Up to `count` extents of 2^order pages from `pfn` on; returns how many were given. */
static int populate_batch(struct builder *b, xen_pfn_t *extents, uint64_t pfn, unsigned count, unsigned order)
{
    uint64_t pages = 1ull << order;
    int given;

    for (unsigned i = 0; i < count; i++)
        extents[i] = pfn + i * pages;
    given = ctl_populate(b->domid, extents, count, order);
    for (int i = 0; i < given; i++)
        for (uint64_t page = 0; page < pages; page++)
            b->mfns[pfn + i * pages + page] = extents[i] + page;
    return given;
}

/*
 * Superpage extents are one call for many frames; where memory is in smaller pieces, single frames do as
 * well.
 */
static int step_memory(struct builder *b)
{
    size_t bytes = SMALL_BATCH * sizeof(xen_pfn_t);
    xen_pfn_t *extents = port_buffer(bytes);
    unsigned order = SUPERPAGE_ORDER;
    uint64_t pfn = 0;
    int given = extents ? 0 : -1;

    while (extents && pfn < b->nr_pages) {
        uint64_t left = b->nr_pages - pfn;
        unsigned count = order ? SUPERPAGE_BATCH : SMALL_BATCH;

        if (left >> order == 0)
            order = 0;
        if (count > left >> order)
            count = left >> order;
        given = populate_batch(b, extents, pfn, count, order);
        if (given > 0)
            pfn += (uint64_t)given << order;
        if (given < (int)count) {
            if (order == 0)
                break;
            order = 0;
        }
        port_yield();
    }
    if (extents)
        port_buffer_free(extents, bytes);
    if (pfn == b->nr_pages)
        return 0;
    return tn_fail(b->err, "domain %s: memory ran out at %" PRIu64 " of %u MB: free some, or lower memory=",
                   b->config->name, pfn / PAGES_PER_MB, b->config->memory_mb);
}

static int step_channels(struct builder *b)
{
    int store = ctl_alloc_unbound(b->domid), console = ctl_alloc_unbound(b->domid);

    if (store < 0 || console < 0)
        return refused(b, "cannot have event channels", store < 0 ? store : console);
    b->built->store_port = store;
    b->built->console_port = console;
    b->built->store_mfn = b->mfns[b->layout.store.pfn];
    b->built->console_mfn = b->mfns[b->layout.console.pfn];
    return 0;
}

static int step_contents(struct builder *b)
{
    const struct boot_layout *l = &b->layout;
    const struct {
        uint64_t pfn, pages;
        const char *what;
        fill_fn *fill;
    } parts[] = {
        { l->kernel.pfn, l->kernel.pages, "kernel", fill_kernel },
        { l->ramdisk.pfn, l->ramdisk.pages, "RAM disk", fill_ramdisk },
        { l->p2m.pfn, l->p2m.pages, "P2M list", fill_p2m },
        { l->start_info.pfn, 1, "start_info page", fill_start_info },
        { l->store.pfn, 1, "store page", fill_zero },
        { l->console.pfn, 1, "console page", fill_zero },
        { l->stack.pfn, 1, "boot stack", fill_zero },
        { l->tables.pfn, l->tables.pages, "page tables", fill_tables },
        { l->p2m.pfn + l->p2m.pages, l->p2m_frames - l->p2m.pages, "P2M's page tables", fill_moved_tables },
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (write_pages(b, parts[i].pfn, parts[i].pages, parts[i].what, parts[i].fill) < 0)
            return -1;
    return 0;
}

static int step_hypercall_page(struct builder *b)
{
    uint64_t pfn = (b->image.hypercall_page - b->image.virt_base) / PORT_PAGE_SIZE;
    int rc;

    if (!b->image.has_hypercall_page)
        return 0;
    rc = ctl_hypercall_page(b->domid, b->mfns[pfn]);
    return rc < 0 ? refused(b, "cannot fill its hypercall page", rc) : 0;
}

static int step_pin(struct builder *b)
{
    int rc = ctl_pin_l4(b->domid, b->mfns[b->layout.tables.pfn]);

    return rc < 0 ? refused(b, "its boot page tables were refused", rc) : 0;
}

/* The vCPU starts in kernel mode at the entry, with start_info in rsi and the boot stack (<xen/xen.h>). */
static int step_context(struct builder *b)
{
    static struct vcpu_guest_context context;
    struct cpu_user_regs *regs = &context.user_regs;
    int rc;

    memset(&context, 0, sizeof(context));
    regs->rip = b->image.entry;
    regs->rsp = b->layout.stack.virt + PORT_PAGE_SIZE;
    regs->rsi = b->layout.start_info.virt;
    regs->rflags = 1u << 9;     /* IF */
    regs->cs = FLAT_KERNEL_CS;
    regs->ss = FLAT_KERNEL_SS;
    regs->ds = regs->es = regs->fs = regs->gs = FLAT_KERNEL_DS;
    context.kernel_ss = regs->ss;
    context.kernel_sp = regs->rsp;
    context.flags = VGCF_in_kernel | VGCF_online;
    context.ctrlreg[3] = xen_pfn_to_cr3(b->mfns[b->layout.tables.pfn]);
    rc = ctl_set_context(b->domid, 0, &context);
    return rc < 0 ? refused(b, "its first vCPU's state was refused", rc) : 0;
}

/* The set of a vCPU, or NULL where it may use any. */
static const struct tn_cpu_set *set_of(const struct tn_cpu_set *sets, unsigned count, unsigned vcpu)
{
    return count ? &sets[vcpu < count ? vcpu : count - 1] : NULL;
}

static int step_affinity(struct builder *b)
{
    const struct tn_config *config = b->config;

    for (unsigned vcpu = 0; vcpu < config->maxvcpus; vcpu++) {
        const struct tn_cpu_set *hard = set_of(config->cpus, config->nr_cpu_sets, vcpu);
        const struct tn_cpu_set *soft = set_of(config->cpus_soft, config->nr_soft_sets, vcpu);
        int rc = hard || soft ? ctl_set_affinity(b->domid, vcpu, hard, soft) : 0;

        if (rc < 0)
            return tn_fail(b->err,
                           "domain %s: cpus= names no CPU of this machine for vCPU %u, or it was refused: %s",
                           config->name, vcpu, tn_xen_error(rc));
    }
    return 0;
}

static int step_shares(struct builder *b)
{
    const struct tn_config *config = b->config;
    int rc;

    if (!config->cpu_weight && !config->cap)
        return 0;
    rc = ctl_set_shares(b->domid, config->cpu_weight, config->cap);
    if (rc < 0)
        return tn_fail(b->err, "domain %s: the scheduler in use has no cpu_weight and no cap (%s): remove"
                               " them, or boot with sched=credit", config->name, tn_xen_error(rc));
    return 0;
}

static int (*const steps[])(struct builder *) = {
    step_create, step_affinity, step_shares, step_memory, step_channels, step_contents, step_hypercall_page,
    step_pin, step_context,
};

int build_domain(const struct tn_config *config, const void *kernel, size_t kernel_size, const void *ramdisk,
                 size_t ramdisk_size, struct built_domain *built, struct tn_error *err)
{
    struct builder b = {
        .config = config, .err = err, .ramdisk = ramdisk, .ramdisk_size = ramdisk_size, .built = built,
        .nr_pages = (uint64_t)config->memory_mb * PAGES_PER_MB,
    };
    int status = -1;

    memset(built, 0, sizeof(*built));
    if (elf_image_parse(&b.image, kernel, kernel_size, config->kernel, err) < 0 ||
        boot_layout_plan(&b.layout, &b.image, b.nr_pages, ramdisk_size, config->name, err) < 0)
        return -1;
    b.mfns = malloc(b.nr_pages * sizeof(xen_pfn_t));
    if (b.mfns) {
        status = 0;
        for (size_t i = 0; status == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
            status = steps[i](&b);
        free(b.mfns);
    } else {
        tn_fail(err, "domain %s: its list of %" PRIu64
                " pages does not fit the memory of this domain: lower memory=",
                config->name, b.nr_pages);
    }
    boot_layout_free(&b.layout);
    if (status < 0 && b.exists)
        ctl_destroy(b.domid);
    return status;
}
