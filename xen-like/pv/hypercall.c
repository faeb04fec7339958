/* SPDX-License-Identifier: MIT */
/*
 * The hypercall table, made from hypercall-abi/hypercalls.def, and what goes with it: multicalls,
 * continuation, and the page of stubs that guests call.
 */

#include "cpu/irq.h"
#include "cpu/report.h"
#include "cpu/softirq.h"
#include "lib/lib.h"
#include "pv/internal.h"

#define ARGS unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e
typedef long (*hypercall_fn)(ARGS);

static long absent_ANY(ARGS) { return -ENOSYS; }

static long absent_PRIV(ARGS) { return current->domain->privileged ? -ENOSYS : -EPERM; }

/*
 * Each handler takes as many arguments as its row says, some narrower than a register. The calling convention
 * passes each in a register of its own, and a callee looks at no more of it than it declared, so one pointer
 * type serves all.
 */
#define NAME_PRESENT(name, who)   do_##name
#define NAME_ABSENT(name, who)    absent_##who
#define HANDLER(name, who, state) ((hypercall_fn)(void (*)(void))NAME_##state(name, who))

/* The batch that this CPU works on, for hypercall_restart(). */
static DEFINE_PER_CPU(struct multicall_entry *, batch_entry);

#ifdef DEBUG
#define SPOILED 0xdeadbeefdeadf00d

/*
 * Debug builds call each handler through a function that looks at what must hold afterwards, and spoils the
 * argument registers, which the ABI leaves to the hypervisor: so a guest that relies on them is noticed here,
 * not elsewhere.
 */
static long call_checked(hypercall_fn handler, unsigned int nargs, ARGS)
{
    struct cpu_user_regs *regs = guest_regs();
    u64 *const slots[] = { &regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8 };
    const long result = handler(a, b, c, d, e);

    ASSERT(irqs_enabled());
    spin_check_none_held();
    stack_check();
    for (unsigned int i = 0; i < nargs && result != -ERESTART && !this_cpu(batch_entry); i++)
        *slots[i] = SPOILED;
    return result;
}

#define HYPERCALL(nr, name, nargs, kinds, who, state, text) \
    static long checked_##name(ARGS) { return call_checked(HANDLER(name, who, state), nargs, a, b, c, d, e); }
#include "hypercalls.def"
#define ENTRY(name, who, state) checked_##name
#else
#define ENTRY(name, who, state) HANDLER(name, who, state)
#endif

#define HYPERCALL(nr, name, nargs, kinds, who, state, text) [nr] = ENTRY(name, who, state),
const hypercall_fn hypercall_table[NR_HYPERCALLS + 1] = {
    /* Numbers without a row; the last is that of all higher ones (pv/entry.S). */
    [11] = absent_ANY, [43 ... 47] = absent_ANY, [56 ... NR_HYPERCALLS] = absent_ANY,
#include "hypercalls.def"
};

long hypercall_restart(unsigned int n, const unsigned long *args)
{
    struct multicall_entry *entry = this_cpu(batch_entry);
    struct cpu_user_regs *regs = guest_regs();
    u64 *const slots[] = { &regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8, &regs->r9 };

    for (unsigned int i = 0; i < n && i < ARRAY_SIZE(slots); i++)
        *(entry ? &entry->args[i] : slots[i]) = args[i];
    regs->error_code = HYPERCALL_RESTARTS; /* what a guest gets in rax by right may look like -ERESTART */
    return -ERESTART;
}

bool hypercall_preempt_check(void) { return softirq_is_pending() || vcpu_event_deliverable(current); }

/*
 * Entries are done in order; each gets its result before the next starts. The batch ends early where an entry
 * was preempted (its arguments are put back, and the whole call continues there), or changed the guest's mode
 * or state so that the rest cannot run.
 */
long do_multicall(unsigned long list, unsigned int count)
{
    struct multicall_entry call;

    if (this_cpu(batch_entry))
        return -EINVAL; /* no batch inside a batch */
    if (!guest_range_ok(list, (u64)count * sizeof(call)))
        return -EFAULT;

    for (unsigned int i = 0; i < count; i++) {
        const unsigned long at = list + i * sizeof(call);

        if (i && hypercall_preempt_check())
            return HYPERCALL_RESTART(at, count - i);
        if (copy_from_guest(&call, at, sizeof(call)))
            return -EFAULT;
        const unsigned long nr = min(call.op, (xen_ulong_t)NR_HYPERCALLS);
        const hypercall_fn handler = hypercall_table[index_nospec(nr, NR_HYPERCALLS + 1)];
        this_cpu(batch_entry) = &call;
        const long result = handler(call.args[0], call.args[1], call.args[2], call.args[3], call.args[4]);
        this_cpu(batch_entry) = NULL;
        if (result == -ERESTART && guest_regs()->error_code == HYPERCALL_RESTARTS)
            return copy_to_guest(at, &call, sizeof(call)) ? -EFAULT : HYPERCALL_RESTART(at, count - i);
        const bool stored = put_guest_u64(at + offsetof(struct multicall_entry, result), result);
        if (call.op == __HYPERVISOR_iret)
            return result; /* the guest's context is another now: nothing of the batch goes on there */
        if (!stored)
            return -EFAULT;
    }
    return 0;
}

/* --- the hypercall page: 32 bytes a number --- */

/*
 * iret never comes back, and its frame begins with rax:
 *      push %rcx; push %r11; mov $nr, %eax; syscall; pop %r11; pop %rcx; ret
 *      push %rcx; push %r11; push %rax; mov $nr, %eax; syscall
 */
void hypercall_page_fill(void *page)
{
    static const u8 plain[] = { 0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 };
    static const u8 iret[] = { 0x51, 0x41, 0x53, 0x50, 0xb8, 0, 0, 0, 0, 0x0f, 0x05 };

    memset(page, 0xcc, PAGE_SIZE);
    for (u32 nr = 0; nr < PAGE_SIZE / 32; nr++) {
        bool is_iret = nr == __HYPERVISOR_iret;
        u8 *stub = (u8 *)page + nr * 32;

        memcpy(stub, is_iret ? iret : plain, is_iret ? sizeof(iret) : sizeof(plain));
        memcpy(stub + (is_iret ? 5 : 4), &nr, sizeof(nr));
    }
}
