/* SPDX-License-Identifier: MIT */
/*
 * A fake home for the toolstack: the port layer over a small model of a hypervisor in this process. Its
 * frames are pages of one memory file, handed out in scattered order so that pfn and mfn never agree; foreign
 * mappings are real mappings of those pages. Any call can be made to fail.
 */
#ifndef TOOLSTACK_TESTS_FAKE_H
#define TOOLSTACK_TESTS_FAKE_H

#include "../lib/port.h"

#define FAKE_FRAMES 16384u

/* The fail_at-th fallible call from now on fails (1: the next); 0: none. */
void fake_fail_at(unsigned n);
/* Fallible calls since fake_fail_at(). */
unsigned fake_calls(void);

/* What is in use: domains but Domain-0, frames, foreign mappings, buffers, bound ports. */
struct fake_usage {
    unsigned domains, frames, mappings, buffers, ports;
};
struct fake_usage fake_usage(void);

/* Domain `domid` shuts down by itself. */
void fake_shutdown(domid_t domid, unsigned reason);
/* Its memory, as start_info has it: the page of a frame. */
void *fake_frame(uint64_t mfn);
/* Its grant table, and how far its clock is from the machine's. */
const void *fake_grants(domid_t domid);
int64_t fake_time_offset(domid_t domid);
/* State of a domain's vCPU 0. */
const struct vcpu_guest_context *fake_context(domid_t domid);
bool fake_paused(domid_t domid);
/* Fire the remote end of a guest's port: the guest notifies Domain-0. */
void fake_notify_from(domid_t domid, evtchn_port_t port);
/* How often other threads were let run so far. */
unsigned fake_yields(void);
/* How often a handler ran so far. */
unsigned fake_upcalls(void);
/* Superpages are refused when this is set. */
extern bool fake_no_superpages;

/* A weight that the hypervisor refuses. */
#define FAKE_BAD_WEIGHT 777

#endif
