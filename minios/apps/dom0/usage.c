/* SPDX-License-Identifier: MIT */
/*
 * The word `usage`: what Domain-0 itself has in use, by the hypervisor's own account where there is one. A
 * leak of the toolstack shows here, and the system tests look for it.
 */
#include "usage.h"

#include "../../../toolstack/cli/cli.h"

#include <stdio.h>
#include <xen/grant_table.h>

#include <minios/event.h>
#include <minios/mm.h>

/* Ports that are bound, or wait for the other end. */
static unsigned ports_in_use(struct evtchn_status *status)
{
    unsigned used = 0;

    for (evtchn_port_t port = 1; port < EVENT_MAX_PORTS; port++) {
        *status = (struct evtchn_status){ .dom = DOMID_SELF, .port = port };
        if (port_hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, (uintptr_t)status, 0, 0, 0) < 0)
            break;
        used += status->status != EVTCHNSTAT_closed;
    }
    return used;
}

/* Frames of this domain's grant table, or -1 where the hypervisor does not say. */
static int grant_frames(struct gnttab_query_size *query)
{
    *query = (struct gnttab_query_size){ .dom = DOMID_SELF };
    if (port_hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, (uintptr_t)query, 1, 0, 0) < 0 ||
        query->status != GNTST_okay)
        return -1;
    return query->nr_frames;
}

int word_usage(int argc, char **argv)
{
    void *buffer = port_buffer(PORT_PAGE_SIZE);

    (void)argc;
    if (!buffer) {
        fprintf(stderr, "%s: no memory left to ask the hypervisor: destroy a domain\n", argv[0]);
        return CLI_FAILED;
    }
    printf("%-22s : %u\n", "event_channels", ports_in_use(buffer));
    printf("%-22s : %d\n", "grant_frames", grant_frames(buffer));
    port_buffer_free(buffer, PORT_PAGE_SIZE);
    printf("%-22s : %zu of %zu pages\n", "free", mm_free_pages(), mm_total_pages());
    return CLI_OK;
}
