/* SPDX-License-Identifier: MIT */
/*
 * The handlers of all hypercalls that Tenon has, for the dispatch table; each subsystem's header declares its
 * own, and these are pv/'s and console/'s.
 */
#ifndef PV_HANDLERS_H
#define PV_HANDLERS_H

#include "console/console.h"
#include "domain/domain.h"
#include "mm/mm.h"

long do_set_trap_table(unsigned long table);
long do_set_gdt(unsigned long frame_list, unsigned int entries);
long do_stack_switch(unsigned long ss, unsigned long sp);
long do_set_callbacks(unsigned long event, unsigned long failsafe, unsigned long syscall);
long do_fpu_taskswitch(unsigned int set);
long do_set_debugreg(unsigned int reg, u64 value);
long do_get_debugreg(unsigned int reg);
long do_update_descriptor(u64 maddr, u64 desc);
long do_multicall(unsigned long list, unsigned int count);
long do_xen_version(int cmd, unsigned long arg);
long do_vm_assist(unsigned int cmd, unsigned int type);
long do_iret(void);
long do_set_segment_base(unsigned int which, unsigned long base);
long do_nmi_op(unsigned int cmd, unsigned long arg);
long do_callback_op(int cmd, unsigned long arg);
long do_physdev_op(int cmd, unsigned long arg);
long do_hvm_op(int cmd, unsigned long arg);
long do_xenpmu_op(int cmd, unsigned long arg);
long do_event_channel_op_compat(unsigned long op);
long do_physdev_op_compat(unsigned long op);
long do_sched_op_compat(int cmd, unsigned long arg);

#endif
