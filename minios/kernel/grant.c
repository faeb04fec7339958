/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1. The table is set up at its first use, with as many
 * frames as needed so far; free references form a stack.
 */
#include <errno.h>
#include <stdlib.h>

#include <minios/grant.h>
#include <minios/hypercall.h>
#include <minios/kernel.h>
#include <minios/mm.h>

#include "internal.h"

#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))
/* As many table frames as are ever asked for; the hypervisor's own limit may be lower. */
#define MAX_FRAMES 64
/* Mapping operations in one hypercall. */
#define BATCH 32

/* References below this are set aside by the ABI for the console and the store. */
#define FIRST_FREE_REF GNTTAB_NR_RESERVED_ENTRIES

static struct {
    struct grant_entry_v1 *frames[MAX_FRAMES];
    unsigned int nr_frames;
    grant_ref_t *free;          /* stack of free references, room for all of the frames */
    unsigned int nr_free;
} grants;

static struct grant_entry_v1 *entry_of(grant_ref_t ref)
{
    return &grants.frames[ref / GRANTS_PER_FRAME][ref % GRANTS_PER_FRAME];
}

/* One more frame of grants. */
static int grow_table(void)
{
    unsigned int want = grants.nr_frames + 1;
    xen_pfn_t mfns[MAX_FRAMES];
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = want };
    grant_ref_t *stack;
    void *va;
    long ret;

    if (want > MAX_FRAMES) {
        return -ENOSPC;
    }
    stack = realloc(grants.free, want * GRANTS_PER_FRAME * sizeof(*stack));
    if (!stack) {
        return -ENOMEM;
    }
    grants.free = stack;
    set_xen_guest_handle(setup.frame_list, mfns);
    ret = HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &setup, 1);
    if (ret) {
        return -xen_errno(ret);
    }
    if (setup.status != GNTST_okay) {
        return -ENOSPC;
    }
    va = map_frames(&mfns[want - 1], 1, DOMID_SELF, MAP_RW, NULL);
    if (!va) {
        return -errno;
    }
    grants.frames[want - 1] = va;
    grants.nr_frames = want;
    for (grant_ref_t ref = want * GRANTS_PER_FRAME; ref-- > (want - 1) * GRANTS_PER_FRAME;) {
        if (ref >= FIRST_FREE_REF) {
            grants.free[grants.nr_free++] = ref;
        }
    }
    return 0;
}

int grant_access(domid_t domid, unsigned long mfn, bool readonly)
{
    struct grant_entry_v1 *entry;
    grant_ref_t ref;
    int ret;

    if (!grants.nr_free && (ret = grow_table())) {
        return ret;
    }
    if (mfn > UINT32_MAX) {
        return -EINVAL;
    }
    ref = grants.free[--grants.nr_free];
    entry = entry_of(ref);
    entry->domid = domid;
    entry->frame = mfn;
    /* The flags make the grant valid, so they come last. */
    wmb();
    WRITE_ONCE(entry->flags, GTF_permit_access | (readonly ? GTF_readonly : 0));
    return (int)ref;
}

int grant_end_access(grant_ref_t ref)
{
    struct grant_entry_v1 *entry;
    uint16_t flags;

    if (ref < FIRST_FREE_REF || ref >= grants.nr_frames * GRANTS_PER_FRAME) {
        return -EINVAL;
    }
    entry = entry_of(ref);
    flags = READ_ONCE(entry->flags);
    do {
        if (flags & (GTF_reading | GTF_writing)) {
            return -EBUSY;
        }
    } while (!__atomic_compare_exchange_n(&entry->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    grants.free[grants.nr_free++] = ref;
    return 0;
}

static int unmap_batch(uintptr_t va, unsigned int n, const grant_handle_t *handles)
{
    struct gnttab_unmap_grant_ref ops[BATCH];
    long ret;

    for (unsigned int i = 0; i < n; i++) {
        ops[i] = (struct gnttab_unmap_grant_ref) { .host_addr = va + i * PAGE_SIZE, .handle = handles[i] };
    }
    ret = HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, ops, n);
    if (ret) {
        return -xen_errno(ret);
    }
    for (unsigned int i = 0; i < n; i++) {
        if (ops[i].status != GNTST_okay) {
            return -EINVAL;
        }
    }
    return 0;
}

/* Map n <= BATCH grants; 0, or -errno with nothing mapped. */
static int map_batch(uintptr_t va, domid_t domid, const grant_ref_t *refs, unsigned int n, bool readonly,
                     grant_handle_t *handles)
{
    struct gnttab_map_grant_ref ops[BATCH];
    int ret;

    for (unsigned int i = 0; i < n; i++) {
        ops[i] = (struct gnttab_map_grant_ref) {
            .host_addr = va + i * PAGE_SIZE,
            .flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
            .ref = refs[i],
            .dom = domid,
        };
    }
    ret = -xen_errno(HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, ops, n));
    if (ret) {
        return ret;
    }
    for (unsigned int i = 0; i < n; i++) {
        handles[i] = ops[i].handle;
        if (ops[i].status != GNTST_okay) {
            ret = -EINVAL;
        }
    }
    for (unsigned int i = 0; ret && i < n; i++) {
        if (ops[i].status == GNTST_okay) {
            unmap_batch(va + i * PAGE_SIZE, 1, &handles[i]);
        }
    }
    return ret;
}

void *grant_map(domid_t domid, const grant_ref_t *refs, size_t n, bool readonly, grant_handle_t *handles)
{
    uintptr_t va = (uintptr_t)mm_reserve_range(n);

    if (!va) {
        errno = ENOMEM;
        return NULL;
    }
    for (size_t i = 0; i < n; i += BATCH) {
        int ret = map_batch(va + i * PAGE_SIZE, domid, refs + i, n - i < BATCH ? n - i : BATCH, readonly,
                            handles + i);

        if (ret) {
            for (size_t done = 0; done < i; done += BATCH) {
                unmap_batch(va + done * PAGE_SIZE, BATCH, handles + done);
            }
            mm_release_range((void *)va, n);
            errno = -ret;
            return NULL;
        }
    }
    return (void *)va;
}

int grant_unmap(void *va, size_t n, const grant_handle_t *handles)
{
    for (size_t i = 0; i < n; i += BATCH) {
        int ret = unmap_batch((uintptr_t)va + i * PAGE_SIZE, n - i < BATCH ? n - i : BATCH, handles + i);

        /* The addresses of a mapping that stays are never used again. */
        if (ret) {
            return ret;
        }
    }
    mm_release_range(va, n);
    return 0;
}

const char *grant_status_text(int status)
{
    static const char *const texts[] = GNTTABOP_error_msgs;

    return status <= 0 && (size_t)-status < ARRAY_SIZE(texts) ? texts[-status] : "unknown grant status";
}
