/* SPDX-License-Identifier: MIT */
/*
 * States of one end of a split device, as the number in its xenstore node "state". Both ends go forward step
 * by step and watch each other; a device is in use while both are Connected.
 */
#ifndef _XEN_PUBLIC_IO_XENBUS_H
#define _XEN_PUBLIC_IO_XENBUS_H

enum xenbus_state {
    XenbusStateUnknown = 0,       /* node missing or unreadable */
    XenbusStateInitialising = 1,  /* start; set by the toolstack */
    XenbusStateInitWait = 2,      /* back end: my part is written, waiting for the front end's */
    XenbusStateInitialised = 3,   /* front end: rings and ports are written */
    XenbusStateConnected = 4,
    XenbusStateClosing = 5,       /* no new work */
    XenbusStateClosed = 6,        /* grants and ports are given back */
    XenbusStateReconfiguring = 7, /* a bus device changes what hangs on it */
    XenbusStateReconfigured = 8
};
typedef enum xenbus_state XenbusState;

#endif /* _XEN_PUBLIC_IO_XENBUS_H */
