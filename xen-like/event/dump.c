/* SPDX-License-Identifier: MIT */
/* Debug key: the event channels of all domains that are not free. */
#include "event/private.h"

static void dump_port(struct domain *d, unsigned int port)
{
    static const char *const names[] = { "", "unbound", "interdomain", "pirq", "VIRQ", "IPI" };
    struct evtchn *chn = port_to_chn(d, port);
    struct evtchn_status s;

    spin_lock(&d->event.lock);
    evtchn_describe(chn, &s);
    u32 flags = d->event.mode->flags(d, chn);
    spin_unlock(&d->event.lock);
    if (s.status == EVTCHNSTAT_closed)
        return;
    printk("    port %4u: %-11s vCPU %u%s%s", port, names[s.status], s.vcpu,
           flags & EVENT_PENDING ? " pending" : "", flags & EVENT_MASKED ? " masked" : "");
    if (s.status == EVTCHNSTAT_unbound)
        printk(" for domain %u", s.u.unbound.dom);
    else if (s.status == EVTCHNSTAT_interdomain)
        printk(" with port %u of domain %u", s.u.interdomain.port, s.u.interdomain.dom);
    else if (s.status != EVTCHNSTAT_ipi)
        printk(" %u", s.status == EVTCHNSTAT_pirq ? s.u.pirq : s.u.virq);
    printk("\n");
}

void event_dump_all(void)
{
    for_each_domain(d) {
        printk("Domain %u: %s events, %u ports in use, highest allowed %u, polling vCPUs %#x\n", d->id,
               d->event.fifo ? "FIFO" : "two-level", d->event.active, d->event.max_port, d->event.poll_mask);
        for (unsigned int port = 1; port < d->event.valid_ports; port++)
            dump_port(d, port);
    }
}
