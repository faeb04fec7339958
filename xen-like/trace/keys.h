/* SPDX-License-Identifier: MIT */
/* The hypervisor's debug keys (console_key()): each letter is Xen's where Xen has one for the same thing. */
#ifndef TRACE_KEYS_H
#define TRACE_KEYS_H

void debug_keys_init(void);     /* boot */
void fault_keys_init(void);     /* the same for keys that debug builds have to break things */

#endif
