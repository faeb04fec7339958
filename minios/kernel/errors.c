/* SPDX-License-Identifier: MIT */
/*
 * Xen's error numbers in newlib's terms: they agree for the old UNIX ones, and
 * from 35 on hardly ever. The table comes from the ABI's own list.
 */
#include <errno.h>
#include <string.h>

#include <minios/hypercall.h>

#include "internal.h"

/* Names that newlib lacks. ERESTART: the call was interrupted and wants to go on. */
#ifndef ERESTART
#define ERESTART EAGAIN
#endif
#ifndef EDEADLOCK
#define EDEADLOCK EDEADLK
#endif

static const struct {
    unsigned short xen, libc;
} errors[] = {
#define XEN_ERRNO(name, value) { value, name },
#include <xen/errno.h>
};

int xen_errno(long result)
{
    unsigned long error = result < 0 ? -(unsigned long)result : (unsigned long)result;

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        if (errors[i].xen == error) {
            return errors[i].libc;
        }
    }
    return (int)error;
}

const char *xen_strerror(long result)
{
    return strerror(xen_errno(result));
}
