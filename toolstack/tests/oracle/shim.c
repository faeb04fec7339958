/* SPDX-License-Identifier: MIT */
/*
 * What Debian's xenstored asks of a hypervisor, answered with files in the current folder, so that it runs as an
 * ordinary program: the page of domain N's ring is the file ringN, and whoever writes the 32-bit number N to the
 * fifo `kicks` has sent an event of domain N. This library stands in for libxenevtchn, libxengnttab and libxenctrl;
 * as one of these it also comes before the C library, and tells open() of two files of Linux's Xen support.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DOMAINS 10

static int kicks = -1;
static char handle;     /* every handle is its address */

static int real_open(const char *path, int flags)
{
    static int (*function)(const char *, int, ...);

    if (!function)
        function = dlsym(RTLD_NEXT, "open");
    return function(path, flags, 0600);
}

int open(const char *path, int flags, ...)
{
    if (strcmp(path, "/proc/xen/xsd_kva") == 0 || strcmp(path, "/dev/xen/xenbus") == 0)
        return real_open("ring0", flags);
    return real_open(strcmp(path, "/proc/xen/xsd_port") == 0 ? "port" : path, flags);
}

void *xenevtchn_open(void *logger, unsigned flags)
{
    (void)logger, (void)flags;
    kicks = real_open("kicks", O_RDWR);
    return kicks < 0 ? NULL : &handle;
}

void *xenevtchn_fdopen(void *logger, int fd, unsigned flags)
{
    (void)fd;
    return xenevtchn_open(logger, flags);
}

int xenevtchn_fd(void *xce)
{
    (void)xce;
    return kicks;
}

int xenevtchn_bind_interdomain(void *xce, uint32_t domid, uint32_t port)
{
    (void)xce, (void)port;
    return domid;
}

int xenevtchn_bind_virq(void *xce, unsigned virq)
{
    (void)xce, (void)virq;
    return DOMAINS;
}

int xenevtchn_unbind(void *xce, uint32_t port)
{
    (void)xce, (void)port;
    return 0;
}

int xenevtchn_notify(void *xce, uint32_t port)
{
    (void)xce, (void)port;
    return 0;
}

int xenevtchn_pending(void *xce)
{
    uint32_t port;

    (void)xce;
    return read(kicks, &port, sizeof(port)) == sizeof(port) ? (int)port : -1;
}

int xenevtchn_unmask(void *xce, uint32_t port)
{
    (void)xce, (void)port;
    return 0;
}

void *xengnttab_open(void *logger, unsigned flags)
{
    (void)logger, (void)flags;
    return &handle;
}

int xengnttab_close(void *xgt)
{
    (void)xgt;
    return 0;
}

int xengnttab_set_max_grants(void *xgt, uint32_t count)
{
    (void)xgt, (void)count;
    return 0;
}

void *xengnttab_map_grant_ref(void *xgt, uint32_t domid, uint32_t ref, int prot)
{
    char name[16];
    void *page;
    int fd;

    (void)xgt, (void)ref;
    snprintf(name, sizeof(name), "ring%u", domid);
    fd = real_open(name, O_RDWR);
    page = mmap(NULL, 4096, prot, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

int xengnttab_unmap(void *xgt, void *address, uint32_t count)
{
    (void)xgt;
    return munmap(address, count * 4096);
}

void *xc_interface_open(void *logger, void *dom_logger, unsigned flags)
{
    (void)logger, (void)dom_logger, (void)flags;
    return &handle;
}

int xc_interface_close(void *xch)
{
    (void)xch;
    return 0;
}

/* The first members of its xc_dominfo_t: id, security label, flags (none: it runs). */
int xc_domain_getinfo(void *xch, uint32_t first, unsigned max, uint32_t info[3])
{
    (void)xch, (void)max;
    if (first >= DOMAINS)
        return 0;
    memset(info, 0, 3 * sizeof(info[0]));
    info[0] = first;
    return 1;
}
