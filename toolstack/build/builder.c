/* SPDX-License-Identifier: MIT */
/*
 * The domain builder. What the headers of the kernel tell is checked first; then the steps below run in
 * order, each a small function, and the first that fails ends in the destruction of the domain. The kernel
 * goes into the domain's memory as it is read and unpacked, hence before the layout is planned: its notes may
 * come late. Guest memory is written through foreign mappings of a few frames at a time, and none is left
 * when the page tables are pinned.
 */
#include "builder.h"
#include "kernel.h"
#include "layout.h"

#include "../lib/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES_PER_MB 256u
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
    struct kernel kernel;
    struct open_file ramdisk;
    uint64_t ramdisk_size;      /* 0: none */
    struct guest_memory memory;
    bool exists;
    struct boot_layout layout;
    struct built_domain *built;
};

static int refused(struct builder *b, const char *what, long rc)
{
    return tn_fail(b->err, "domain %s: %s: %s", b->config->name, what, tn_xen_error(rc));
}

/* -- Contents of pages ----------------------------------------------------------------------------------- */

/* Fills the page at `to`, number `index` of its part. 0 or -1. */
typedef int fill_fn(struct builder *b, void *to, uint64_t index);

static int fill_zero(struct builder *b, void *to, uint64_t index)
{
    memset(to, 0, PORT_PAGE_SIZE);
    return 0;
}

static int fill_ramdisk(struct builder *b, void *to, uint64_t index)
{
    uint64_t offset = index * PORT_PAGE_SIZE, left = b->ramdisk_size - offset;
    uint64_t count = left < PORT_PAGE_SIZE ? left : PORT_PAGE_SIZE;

    memset((uint8_t *)to + count, 0, PORT_PAGE_SIZE - count);
    return file_read_at(&b->ramdisk, offset, to, count, b->err);
}

static int fill_p2m(struct builder *b, void *to, uint64_t index)
{
    frame_map_list(&b->memory.frames, index, to);
    return 0;
}

static int fill_tables(struct builder *b, void *to, uint64_t index)
{
    boot_layout_fill(&b->layout, index, &b->memory.frames, to);
    return 0;
}

static int fill_moved_tables(struct builder *b, void *to, uint64_t index)
{
    return fill_tables(b, to, index + b->layout.tables.pages);
}

static int fill_start_info(struct builder *b, void *to, uint64_t index)
{
    const struct boot_layout *l = &b->layout;
    struct start_info *si = to;
    struct xen_domctl_getdomaininfo info;

    fill_zero(b, to, index);
    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = b->memory.frames.nr_pages;
    if (ctl_info(b->memory.domid, &info) == 0)
        si->shared_info = info.shared_info_frame * PORT_PAGE_SIZE;
    si->store_mfn = b->built->store_mfn;
    si->store_evtchn = b->built->store_port;
    si->console.domU.mfn = b->built->console_mfn;
    si->console.domU.evtchn = b->built->console_port;
    si->pt_base = l->tables.virt;
    si->nr_pt_frames = l->tables.pages;
    si->mfn_list = l->p2m.virt;
    if (b->kernel.image.has_init_p2m) {
        si->first_p2m_pfn = l->p2m.pfn;
        si->nr_p2m_frames = l->p2m_frames;
    }
    if (b->ramdisk_size) {
        si->mod_len = b->ramdisk_size;
        si->mod_start = b->kernel.image.mod_start_pfn ? l->ramdisk.pfn : l->ramdisk.virt;
        si->flags |= b->kernel.image.mod_start_pfn ? SIF_MOD_START_PFN : 0;
    }
    snprintf((char *)si->cmd_line, sizeof(si->cmd_line), "%s", b->config->cmdline);
    return 0;
}

/* -- Steps ----------------------------------------------------------------------------------------------- */

static int step_create(struct builder *b)
{
    int rc = ctl_create(&b->memory.domid, b->config->maxvcpus, b->config->uuid);

    if (rc < 0)
        return refused(b, "the hypervisor refuses to create it", rc);
    b->exists = true;
    b->built->domid = b->memory.domid;
    rc = ctl_max_vcpus(b->memory.domid, b->config->maxvcpus);
    if (rc < 0)
        return refused(b, "cannot have its vCPUs", rc);
    rc = ctl_max_mem(b->memory.domid, (uint64_t)b->config->memory_mb << 10);
    return rc < 0 ? refused(b, "cannot set its memory limit", rc) : 0;
}

/*
 * Up to `count` extents of 2^order pages from `pfn` on; returns how many were given, or -1 when there is no
 * memory to note them.
 */
static int populate_batch(struct builder *b, xen_pfn_t *extents, uint64_t pfn, unsigned count, unsigned order)
{
    uint64_t pages = 1ull << order;
    int given;

    for (unsigned i = 0; i < count; i++)
        extents[i] = pfn + i * pages;
    given = ctl_populate(b->memory.domid, extents, count, order);
    for (int i = 0; i < given; i++)
        if (!frame_map_set(&b->memory.frames, pfn + i * pages, extents[i], pages))
            return -1;
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
    uint64_t pfn = 0, nr_pages = b->memory.frames.nr_pages;
    unsigned order = SUPERPAGE_ORDER;
    int given = extents ? 0 : -1;

    while (extents && pfn < nr_pages) {
        uint64_t left = nr_pages - pfn;
        unsigned count = order ? SUPERPAGE_BATCH : SMALL_BATCH;

        if (left >> order == 0)
            order = 0;
        if (count > left >> order)
            count = left >> order;
        given = populate_batch(b, extents, pfn, count, order);
        if (given > 0)
            pfn += (uint64_t)given << order;
        if (given < (int)count) {
            if (order == 0 || given < 0)
                break;
            order = 0;
        }
        port_yield();
    }
    if (extents)
        port_buffer_free(extents, bytes);
    if (pfn == nr_pages)
        return 0;
    return tn_fail(b->err, "domain %s: memory ran out at %" PRIu64 " of %u MB: free some, or lower memory=",
                   b->config->name, pfn / PAGES_PER_MB, b->config->memory_mb);
}

static int step_kernel(struct builder *b)
{
    return kernel_load(&b->kernel, &b->memory, b->err);
}

static int step_layout(struct builder *b)
{
    return boot_layout_plan(&b->layout, &b->kernel.image, b->memory.frames.nr_pages, b->ramdisk_size,
                            b->config->name, b->err);
}

static int step_channels(struct builder *b)
{
    int store = ctl_alloc_unbound(b->memory.domid), console = ctl_alloc_unbound(b->memory.domid);

    if (store < 0 || console < 0)
        return refused(b, "cannot have event channels", store < 0 ? store : console);
    b->built->store_port = store;
    b->built->console_port = console;
    b->built->store_mfn = frame_of(&b->memory.frames, b->layout.store.pfn);
    b->built->console_mfn = frame_of(&b->memory.frames, b->layout.console.pfn);
    return 0;
}

static int step_contents(struct builder *b)
{
    const struct boot_layout *l = &b->layout;
    const struct {
        uint64_t pfn, pages;
        fill_fn *fill;
    } parts[] = {
        { l->ramdisk.pfn, l->ramdisk.pages, fill_ramdisk },
        { l->p2m.pfn, l->p2m.pages, fill_p2m },
        { l->start_info.pfn, 1, fill_start_info },
        { l->store.pfn, 1, fill_zero },
        { l->console.pfn, 1, fill_zero },
        { l->stack.pfn, 1, fill_zero },
        { l->tables.pfn, l->tables.pages, fill_tables },
        { l->p2m.pfn + l->p2m.pages, l->p2m_frames - l->p2m.pages, fill_moved_tables },
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        for (uint64_t index = 0; index < parts[i].pages; index++) {
            void *page = guest_page(&b->memory, parts[i].pfn + index, b->err);

            if (!page || parts[i].fill(b, page, index) < 0)
                return -1;
        }
    }
    guest_unmap(&b->memory);
    return 0;
}

static int step_hypercall_page(struct builder *b)
{
    uint64_t pfn = (b->kernel.image.hypercall_page - b->kernel.image.virt_base) / PORT_PAGE_SIZE;
    int rc;

    if (!b->kernel.image.has_hypercall_page)
        return 0;
    rc = ctl_hypercall_page(b->memory.domid, frame_of(&b->memory.frames, pfn));
    return rc < 0 ? refused(b, "cannot fill its hypercall page", rc) : 0;
}

static int step_pin(struct builder *b)
{
    int rc = ctl_pin_l4(b->memory.domid, frame_of(&b->memory.frames, b->layout.tables.pfn));

    return rc < 0 ? refused(b, "its boot page tables were refused", rc) : 0;
}

/* The vCPU starts in kernel mode at the entry, with start_info in rsi and the boot stack (<xen/xen.h>). */
static int step_context(struct builder *b)
{
    static struct vcpu_guest_context context;
    struct cpu_user_regs *regs = &context.user_regs;
    int rc;

    memset(&context, 0, sizeof(context));
    regs->rip = b->kernel.image.entry;
    regs->rsp = b->layout.stack.virt + PORT_PAGE_SIZE;
    regs->rsi = b->layout.start_info.virt;
    regs->rflags = 1u << 9;     /* IF */
    regs->cs = FLAT_KERNEL_CS;
    regs->ss = FLAT_KERNEL_SS;
    regs->ds = regs->es = regs->fs = regs->gs = FLAT_KERNEL_DS;
    context.kernel_ss = regs->ss;
    context.kernel_sp = regs->rsp;
    context.flags = VGCF_in_kernel | VGCF_online;
    context.ctrlreg[3] = xen_pfn_to_cr3(frame_of(&b->memory.frames, b->layout.tables.pfn));
    rc = ctl_set_context(b->memory.domid, 0, &context);
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
        int rc = hard || soft ? ctl_set_affinity(b->memory.domid, vcpu, hard, soft) : 0;

        if (rc < 0)
            return tn_fail(b->err, "domain %s: cpus= names no CPU of this machine for vCPU %u, or it was"
                                   " refused: %s", config->name, vcpu, tn_xen_error(rc));
    }
    return 0;
}

static int step_shares(struct builder *b)
{
    const struct tn_config *config = b->config;
    int rc;

    if (!config->cpu_weight && !config->cap)
        return 0;
    rc = ctl_set_shares(b->memory.domid, config->cpu_weight, config->cap);
    if (rc < 0)
        return tn_fail(b->err, "domain %s: the scheduler in use has no cpu_weight and no cap (%s): remove"
                               " them, or boot with sched=credit", config->name, tn_xen_error(rc));
    return 0;
}

static int (*const steps[])(struct builder *) = {
    step_create, step_affinity, step_shares, step_memory, step_kernel, step_layout,
    step_channels,
    step_contents, step_hypercall_page, step_pin, step_context,
};

static int run_steps(struct builder *b)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        status = steps[i](b);
    guest_unmap(&b->memory);
    boot_layout_free(&b->layout);
    if (status < 0 && b->exists)
        ctl_destroy(b->memory.domid);
    return status;
}

static int with_frames(struct builder *b)
{
    uint64_t nr_pages = (uint64_t)b->config->memory_mb * PAGES_PER_MB;
    int status;

    if (!frame_map_init(&b->memory.frames, nr_pages))
        return tn_fail(b->err, "domain %s: no memory left in Domain-0 to note its %" PRIu64 " pages: lower"
                               " memory=, or boot with a larger dom0_mem=", b->config->name, nr_pages);
    status = run_steps(b);
    frame_map_free(&b->memory.frames);
    return status;
}

static int with_ramdisk(struct builder *b)
{
    const struct tn_config *config = b->config;
    int status;

    if (!config->ramdisk[0])
        return with_frames(b);
    if (file_open(&b->ramdisk, config->ramdisk, "ramdisk", config->name, b->err) < 0)
        return -1;
    b->ramdisk_size = b->ramdisk.size;
    status = with_frames(b);
    file_close(&b->ramdisk);
    return status;
}

int build_domain(const struct tn_config *config, struct built_domain *built, struct tn_error *err)
{
    struct builder b = { .config = config, .err = err, .built = built, .memory.domain = config->name };
    uint64_t memory = (uint64_t)config->memory_mb << 20;
    int status;

    memset(built, 0, sizeof(*built));
    if (kernel_open(&b.kernel, config->kernel, config->name, memory, err) < 0)
        return -1;
    status = with_ramdisk(&b);
    kernel_close(&b.kernel);
    return status;
}
