/* SPDX-License-Identifier: MIT */
/*
 * User mode: a second root table whose slot 0 shows the .user section at USER_CODE (read-only, executable)
 * and one writable page at USER_DATA; the kernel's root shows them at the same addresses.
 */
#include "guest.h"

struct frame user_exit;
uint8_t user_exit_upcall_mask;
uint64_t user_exit_cr2;
static void *user_l4;
static char kernel_entry_stack[16384] __attribute__((aligned(16)));
extern void user_enter(struct frame *frame, unsigned long iret_flags);

unsigned long user_l4_mfn(void)
{
    return va_to_mfn(user_l4);
}

unsigned long user_address(const void *symbol)
{
    return USER_CODE + ((const char *)symbol - user_start);
}

static void must(long ret, const char *what)
{
    if (ret)
        bail_out("user_init: %s returned %ld", what, ret);
}

void user_init(void)
{
    for (const char *page = user_start; page < user_end; page += PAGE_SIZE)
        must(map_page(user_address(page), PTE(va_to_mfn(page), L1_RO)), "mapping user code");
    must(map_page(USER_DATA, PTE(va_to_mfn(page_alloc()), L1_FLAGS)), "mapping user data");
    user_l4 = table_alloc();
    must(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(user_l4)), "pinning the user root");
    must(mmu_set(entry_maddr(user_l4, 0), PTE(PTE_MFN(pte_read(USER_CODE, 4)), TABLE_FLAGS)), "user slot 0");
    must(mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(user_l4)), "new user base pointer");
    must(HC(stack_switch, FLAT_KERNEL_SS, kernel_entry_stack + sizeof(kernel_entry_stack)), "stack_switch");
}

void user_frame(struct frame *frame, const void *symbol, unsigned long arg)
{
    memset(frame, 0, sizeof(*frame));
    frame->rip = user_address(symbol);
    frame->cs = FLAT_USER_CS;
    frame->ss = FLAT_USER_SS;
    frame->rsp = USER_STACK_TOP;
    frame->rflags = FL_IF | 2;
    frame->rdi = arg;
}

unsigned user_run_frame(struct frame *frame, unsigned long iret_flags)
{
    uint8_t mask = vcpu_info(0)->evtchn_upcall_mask;

    events_mask();
    user_enter(frame, iret_flags);
    vcpu_info(0)->evtchn_upcall_mask = 1;
    if (!mask)
        events_unmask();
    return user_exit.vector;
}

unsigned user_run(const void *symbol, unsigned long arg)
{
    static struct frame frame;

    user_frame(&frame, symbol, arg);
    return user_run_frame(&frame, 0);
}
