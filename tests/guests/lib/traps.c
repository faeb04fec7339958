/* SPDX-License-Identifier: MIT */
/*
 * Traps: the virtual IDT, the dispatcher that every entry of start.S ends in, and trap_try, which runs a
 * probe and records the trap that ends it.
 */
#include "guest.h"

struct trap_record trap;
bool (*trap_hook[262])(struct frame *frame);
extern unsigned long trap_try_rsp;
extern int trap_try_armed;
extern void trap_try_resume(void);
extern void user_leave(void) __attribute__((noreturn));
void trap_dispatch(struct frame *frame);

unsigned long trap_entry_of(unsigned vector)
{
    for (unsigned i = 0; trap_entry_table[i][0] != -1UL; i++)
        if (trap_entry_table[i][0] == vector)
            return trap_entry_table[i][1];
    bail_out("no trap entry for vector %u", vector);
}

/*
 * Every gate masks events and has DPL 0, but those that user code may use by an instruction: #BP and #OF, and
 * vectors 128 and 129, which have DPL 3.  Vector 32 has DPL 0 and vector 33 DPL 1.
 */
unsigned trap_table_default(struct trap_info *table, unsigned space)
{
    unsigned n = 0;

    for (unsigned i = 0; trap_entry_table[i][0] != -1UL; i++) {
        unsigned vector = trap_entry_table[i][0];
        unsigned dpl = vector == TRAP_BP || vector == TRAP_OF || vector == 128 || vector == 129 ? 3 :
                       vector == 33 ? 1 : 0;

        if (n + 1 >= space)
            bail_out("trap table too small");
        table[n++] = (struct trap_info){ vector, dpl | 4, FLAT_KERNEL_CS, trap_entry_table[i][1] };
    }
    table[n] = (struct trap_info){ 0 };
    return n;
}

static void callback(unsigned type, void (*entry)(void), unsigned flags)
{
    struct callback_register arg = { .type = type, .flags = flags, .address = (unsigned long)entry };
    long ret = HC(callback_op, CALLBACKOP_register, &arg);

    if (ret)
        bail_out("callback_op register type %u returned %ld", type, ret);
}

void trap_init(void)
{
    static struct trap_info table[40];
    long ret;

    trap_table_default(table, ARRAY_SIZE(table));
    ret = HC(set_trap_table, table);
    if (ret)
        bail_out("set_trap_table returned %ld", ret);
    callback(CALLBACKTYPE_event, event_entry, 0);
    callback(CALLBACKTYPE_failsafe, failsafe_entry, CALLBACKF_mask_events);
    callback(CALLBACKTYPE_syscall, syscall_entry, CALLBACKF_mask_events);
    callback(CALLBACKTYPE_syscall32, syscall32_entry, CALLBACKF_mask_events);
    callback(CALLBACKTYPE_sysenter, sysenter_entry, CALLBACKF_mask_events);
    callback(CALLBACKTYPE_nmi, nmi_entry, 0);
}

static uint64_t saved_cr2(void)
{
    return *(volatile unsigned long *)&vcpu_info(0)->arch.cr2;
}

static void unexpected(struct frame *frame)
{
    trap_try_armed = 0;
    note("rip %lx cs %lx rflags %lx rsp %lx ss %lx", frame->rip, frame->cs, frame->rflags, frame->rsp,
         frame->ss);
    note("rax %lx rbx %lx rcx %lx rdx %lx", frame->rax, frame->rbx, frame->rcx, frame->rdx);
    note("rsi %lx rdi %lx rbp %lx cr2 %lx", frame->rsi, frame->rdi, frame->rbp, saved_cr2());
    bail_out("unexpected trap %lu, error code %lx", frame->vector, frame->error);
}

/* Called by trap_common; returning resumes the (perhaps changed) frame through HYPERVISOR_iret. */
void trap_dispatch(struct frame *frame)
{
    uint8_t mask = *(volatile uint8_t *)&vcpu_info(0)->evtchn_upcall_mask;
    bool from_user = (frame->cs & 3) == 3;

    if (frame->vector < ARRAY_SIZE(trap_hook) && trap_hook[frame->vector] && trap_hook[frame->vector](frame))
        return;
    if (frame->vector == CB_EVENT) {
        event_dispatch();
        return;
    }
    if (user_active && (from_user || frame->vector >= CB_SYSCALL)) {
        user_exit = *frame;
        user_exit_upcall_mask = mask;
        user_exit_cr2 = saved_cr2();
        user_leave();
    }
    if (!trap_try_armed)
        unexpected(frame);
    trap_try_armed = 0;
    trap.count++;
    trap.frame = *frame;
    trap.cr2 = saved_cr2();
    trap.upcall_mask = mask;
    frame->rip = (unsigned long)trap_try_resume;
    frame->cs = FLAT_KERNEL_CS & ~3UL;
    frame->ss = FLAT_KERNEL_SS;
    frame->rsp = trap_try_rsp;
    frame->rflags &= FL_IF;
}

bool traps(long (*probe)(long), long arg, unsigned vector)
{
    memset(&trap, 0, sizeof(trap));
    return trap_try(probe, arg) && trap.frame.vector == vector;
}
