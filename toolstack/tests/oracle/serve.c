/* SPDX-License-Identifier: MIT */
/*
 * Our store as a program with the same surroundings as shim.c gives to Debian's: rings in the files ring0, ring1, …
 * of the current folder, events as 32-bit numbers of domains in the fifo `kicks`. Ends with the number DOMAINS.
 */
#include "../../store/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DOMAINS 10

struct guest {
    struct store_ring ring;
    struct store_conn *conn;
};

static struct guest guests[DOMAINS];
static struct store *store;

static void ignore(struct store_ring *ring)
{
    (void)ring;
}

static int map_ring(domid_t domid)
{
    char name[16];
    void *page;
    int fd;

    snprintf(name, sizeof(name), "ring%u", domid);
    fd = open(name, O_RDWR);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED)
        return -EINVAL;
    store_ring_init(&guests[domid].ring, page, ignore, ignore);
    return 0;
}

static enum store_domain_state domain_state(void *host, domid_t domid)
{
    (void)host;
    return domid < DOMAINS ? STORE_DOMAIN_RUNS : STORE_DOMAIN_NONE;
}

static int introduce(void *host, domid_t domid, xen_pfn_t mfn, evtchn_port_t port)
{
    int rc = domid < DOMAINS ? map_ring(domid) : -ENOENT;

    (void)host, (void)mfn, (void)port;
    return rc ? rc : store_introduce(store, domid, &store_ring_transport, &guests[domid].ring,
                                     &guests[domid].conn);
}

static void wake(void *host)
{
    (void)host;
}

static void log_line(void *host, const char *line)
{
    (void)host;
    fprintf(stderr, "%s\n", line);
}

int main(void)
{
    static const struct store_host host = { domain_state, introduce, wake, log_line };
    int kicks = open("kicks", O_RDWR);
    uint32_t domid;

    store = store_create(&host, NULL, NULL);
    if (kicks < 0 || !store || map_ring(0)) {
        perror("store-serve: the files ring0 and kicks of this folder");
        return 1;
    }
    guests[0].conn = store_connect(store, 0, true, &store_ring_transport, &guests[0].ring);
    while (read(kicks, &domid, sizeof(domid)) == sizeof(domid) && domid < DOMAINS) {
        if (guests[domid].conn)
            store_kick(guests[domid].conn);
        while (store_step(store))
            ;
    }
    store_disconnect(guests[0].conn);
    store_destroy(store);
    return 0;
}
