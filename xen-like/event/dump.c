/* SPDX-License-Identifier: MIT */
/* Debug key: the event channels of all domains that are not free. */
#include "event/private.h"
#include "lib/log.h"

static void dump_port(struct domain *d, unsigned int port)
{
    static const char *const names[] = { "free", "reserved", "unbound", "interdomain", "pirq", "VIRQ", "IPI" };
    struct evtchn *chn;
    struct evtchn c;
    unsigned int remote = 0;

    spin_lock(&d->event.lock);
    chn = port_to_chn(d, port);
    c.state = CHN_FREE;
    if (chn)
        c = *chn;
    if (c.state == CHN_INTERDOMAIN)
        remote = c.remote.domain->id;
    spin_unlock(&d->event.lock);
    if (c.state == CHN_FREE || c.state == CHN_RESERVED)
        return;
    printk("    port %4u: %-11s vCPU %u%s%s", port, names[c.state], c.notify_vcpu,
           test_bit(port, d->shared_info->evtchn_pending) ? " pending" : "",
           test_bit(port, d->shared_info->evtchn_mask) ? " masked" : "");
    switch (c.state) {
    case CHN_UNBOUND:
        printk(" for domain %u\n", c.unbound_for);
        break;
    case CHN_INTERDOMAIN:
        printk(" with port %u of domain %u\n", c.remote.port, remote);
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
    struct domain *d;

    for_each_domain(d) {
        printk("Domain %u: %u ports in use, highest allowed %u, polling vCPUs %#x\n", d->id, d->event.active,
               d->event.max_port, d->event.poll_mask);
        for (unsigned int port = 1; port < d->event.valid_ports; port++)
            dump_port(d, port);
    }
}
