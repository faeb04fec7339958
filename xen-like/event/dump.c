/* SPDX-License-Identifier: MIT */
/* Debug key: the event channels of all domains that are not free. */
#include "event/private.h"

static void dump_port(struct domain *d, unsigned int port)
{
    static const char *const names[] = { "", "", "unbound", "interdomain", "pirq", "VIRQ", "IPI" };
    unsigned int remote = 0;
    struct evtchn c;
    u32 flags;

    spin_lock(&d->event.lock);
    c = *port_to_chn(d, port);
    if (c.state == CHN_INTERDOMAIN)
        remote = c.remote->id;
    flags = d->event.mode->flags(d, &c);
    spin_unlock(&d->event.lock);
    if (c.state == CHN_FREE || c.state == CHN_RESERVED)
        return;
    printk("    port %4u: %-11s vCPU %u%s%s", port, names[c.state], c.notify_vcpu,
           flags & EVENT_PENDING ? " pending" : "", flags & EVENT_MASKED ? " masked" : "");
    switch (c.state) {
    case CHN_UNBOUND:
        printk(" for domain %u\n", c.unbound_for);
        break;
    case CHN_INTERDOMAIN:
        printk(" with port %u of domain %u\n", c.remote_port, remote);
        break;
    case CHN_PIRQ:
    case CHN_VIRQ:
        printk(" %u\n", c.state == CHN_PIRQ ? c.pirq : c.virq);
        break;
    default:
        printk("\n");
    }
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
