/* SPDX-License-Identifier: MIT */
/* Grants from this domain to itself: every path of both sides. */
#include <errno.h>
#include <string.h>

#include <minios/event.h>
#include <minios/grant.h>
#include <minios/hypercall.h>
#include <minios/mm.h>

#include "check.h"

#define MANY 600

/* This domain's number, which a grant to itself must name: the other end of a channel to itself knows. */
static domid_t own_domid(void)
{
    int end = event_alloc_unbound(DOMID_SELF, NULL, NULL);
    int other = event_bind_interdomain(DOMID_SELF, end, NULL, NULL);
    struct evtchn_status status = { .dom = DOMID_SELF, .port = other };
    long ret = HYPERVISOR_event_channel_op(EVTCHNOP_status, &status);

    event_close(other);
    event_close(end);
    return ret ? DOMID_INVALID : status.u.interdomain.dom;
}

void test_grants(void)
{
    static grant_ref_t refs[MANY];
    static grant_handle_t handles[MANY];
    uint64_t *page = alloc_zeroed_page(), *view;
    domid_t self = own_domid();
    int ref = grant_access(self, virt_to_mfn(page), false);
    size_t n = 0;

    if (!check(ref > 0, "a page is granted to domain %u itself: reference %d", self, ref)) {
        return;
    }
    refs[0] = (grant_ref_t)ref;
    view = grant_map(self, refs, 1, false, handles);
    if (check(view != NULL, "and mapped")) {
        *view = 4711;
        check(*page == 4711, "both views show the same page");
        check(grant_end_access(refs[0]) == -EBUSY, "a mapped grant cannot be taken back");
        check(!grant_unmap(view, 1, handles), "it is unmapped");
    }
    check(!grant_end_access(refs[0]), "and then taken back");
    refs[0] = 400000000;
    check(!grant_map(self, refs, 1, false, handles) && errno == EINVAL,
          "a reference that is none cannot be mapped");

    for (n = 0; n < MANY; n++) {
        ref = grant_access(self, virt_to_mfn(page), true);
        if (ref <= 0) {
            break;
        }
        refs[n] = (grant_ref_t)ref;
    }
    check(n == MANY, "%zu grants at once", n);
    view = grant_map(self, refs, n, true, handles);
    check(view && view[0] == 4711 && view[(MANY - 1) * 512] == 4711, "mapped in a row");
    check(view && !grant_unmap(view, n, handles), "and unmapped");
    while (n) {
        grant_end_access(refs[--n]);
    }
    free_page(page);
}
