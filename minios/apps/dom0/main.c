/* SPDX-License-Identifier: MIT */
/*
 * Domain-0: starts the console daemon and the watcher, greets, and hands the console to the shell.
 */
#include "shell.h"

#include "../../../toolstack/console/consoles.h"
#include "../../../toolstack/lib/domains.h"

#include <stdio.h>
#include <xen/version.h>

/* "4.17-tenon", by asking the hypervisor. */
static void greet(void)
{
    char *extra = port_buffer(PORT_PAGE_SIZE);
    long version = ctl_version(XENVER_version, NULL);

    if (!extra || ctl_version(XENVER_extraversion, extra) < 0)
        return;
    printf("Domain-0 (MiniOS) on Xen interface %ld.%ld%s: type help, or tenon help\n", version >> 16,
           version & 0xffff, extra);
    fflush(stdout);
    port_buffer_free(extra, PORT_PAGE_SIZE);
}

int main(void)
{
    struct tn_error err = { "" };

    if (consoles_start() < 0) {
        fprintf(stderr, "dom0: no memory left for the console daemon: raise dom0_mem\n");
        return 1;
    }
    if (domains_start(shell_notice, &err) < 0) {
        fprintf(stderr, "dom0: %s: is this domain privileged?\n", err.text);
        return 1;
    }
    greet();
    shell_run();
    return 0;
}
