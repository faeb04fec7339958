/* SPDX-License-Identifier: MIT */
/*
 * The test-guest framework's interface: a tiny paravirtualized kernel that a test is linked with.  It brings
 * up a console, trap entries, event dispatch and a page pool, calls test_main(), prints the verdict as TAP
 * and ends the machine.  It uses no library but itself and nothing of any hypervisor but the public ABI.
 *
 * A test is one C file: a comment that says what it shows, a few checks of one subject, and
 * TEST_MAIN("name").  A verdict can only get worse: once a check failed, the run has failed.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The toolstack's headers fix the interface version by themselves. */
#if !defined(__XEN_TOOLS__) && !defined(__XEN_INTERFACE_VERSION__)
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#endif
#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define VIRT_BASE 0xffffffff80000000UL
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Xen's error numbers, as they come back (negated) from hypercalls; source: xen/errno.h. */
enum {
    GE_PERM = 1, GE_NOENT = 2, GE_SRCH = 3, GE_NXIO = 6, GE_2BIG = 7, GE_BADF = 9, GE_AGAIN = 11,
    GE_NOMEM = 12, GE_ACCES = 13, GE_FAULT = 14, GE_BUSY = 16, GE_EXIST = 17, GE_XDEV = 18, GE_NODEV = 19,
    GE_INVAL = 22, GE_NOSPC = 28, GE_RANGE = 34, GE_NOSYS = 38, GE_NODATA = 61, GE_TIME = 62,
    GE_OVERFLOW = 75, GE_RESTART = 85, GE_OPNOTSUPP = 95, GE_NOBUFS = 105, GE_ISCONN = 106,
};

/* ---- start of day (start.S, main.c) ---- */
struct boot_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags, cs, ss, ds, es, fs, gs;
};
extern struct boot_regs boot_regs;
extern struct start_info *start_info;
extern struct shared_info *shared_info;
/* As the first instructions found them. */
extern struct shared_info shared_at_start;
extern struct xencons_interface console_at_start;       /* a guest's */
extern char hypercall_page[], image_end[], _start[], user_start[], user_end[];

bool is_dom0(void);
/* Running under QEMU's TCG, which lacks some checks of real processors: see check_hw. */
bool under_tcg(void);

void test_main(void);
extern const char test_name[];
#define TEST_MAIN(name) const char test_name[] = name; void test_main(void)

/* ---- console.c ---- */
void console_write(const char *text, size_t length);
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
int format_text(char *buffer, size_t size, const char *format, va_list args);

/* ---- report.c: TAP ---- */
/* Names of checks are constant: they identify the check on both hypervisors. */
bool check(bool ok, const char *name, ...) __attribute__((format(printf, 2, 3)));
bool check_eq(long got, long want, const char *name, ...) __attribute__((format(printf, 3, 4)));
/* A check that this machine cannot show (TCG lacks it, no second vCPU): counted, marked, never failed. */
void skip(const char *reason, const char *name, ...) __attribute__((format(printf, 2, 3)));
/* A check that real hardware passes and TCG cannot show: under TCG it is reported as skipped. */
bool check_hw(bool ok, const char *name, ...) __attribute__((format(printf, 2, 3)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Report a broken run (an unexpected trap, say), and end. */
void bail_out(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void report_end(void) __attribute__((noreturn));

/* ---- string.c ---- */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strncmp(const char *a, const char *b, size_t n);

/* ---- hypercalls ---- */
/* Through the hypercall page, for the numbers that have a slot there. */
static inline long hypercall(unsigned nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
                             unsigned long e)
{
    register unsigned long r10 asm("r10") = d;
    register unsigned long r8 asm("r8") = e;
    unsigned long ret = (unsigned long)hypercall_page + nr * 32;

    asm volatile("call *%%rax"
                 : "+a"(ret), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
                 :: "rcx", "r11", "memory");
    return ret;
}

/* The other way in: a bare SYSCALL with the number in rax. */
static inline long hypercall_bare(unsigned long nr, unsigned long a, unsigned long b, unsigned long c,
                                  unsigned long d, unsigned long e)
{
    register unsigned long r10 asm("r10") = d;
    register unsigned long r8 asm("r8") = e;

    asm volatile("syscall"
                 : "+a"(nr), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
                 :: "rcx", "r11", "memory");
    return nr;
}

#define HC_ARG(x) ((unsigned long)(x))
#define HC_PICK(a, b, c, d, e, n, ...) n
#define HC_1(nr, a) hypercall(nr, HC_ARG(a), 0, 0, 0, 0)
#define HC_2(nr, a, b) hypercall(nr, HC_ARG(a), HC_ARG(b), 0, 0, 0)
#define HC_3(nr, a, b, c) hypercall(nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), 0, 0)
#define HC_4(nr, a, b, c, d) hypercall(nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), HC_ARG(d), 0)
/* HC(event_channel_op, cmd, arg): the hypercall of that name with its arguments, any scalar or pointer. */
#define HC(name, ...) HC_PICK(__VA_ARGS__, _, HC_4, HC_3, HC_2, HC_1)(__HYPERVISOR_##name, __VA_ARGS__)

/* Pointers that no guest may pass: into the hypervisor, non-canonical, and unmapped. */
#define BAD_PTR_XEN 0xffff830000000000UL
#define BAD_PTR_NONCANONICAL 0x8000000000000000UL
#define BAD_PTR_UNMAPPED 0x0000100000000000UL

/* ---- traps.c ---- */
struct frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;   /* cs: selector in bits 0-15, saved upcall mask from bit 32 */
};
enum {
    TRAP_DE = 0, TRAP_DB = 1, TRAP_NMI = 2, TRAP_BP = 3, TRAP_OF = 4, TRAP_BR = 5, TRAP_UD = 6, TRAP_NM = 7,
    TRAP_DF = 8, TRAP_TS = 10, TRAP_NP = 11, TRAP_SS = 12, TRAP_GP = 13, TRAP_PF = 14, TRAP_MF = 16,
    TRAP_AC = 17, TRAP_XM = 19,
    /* Callbacks arrive with these in frame.vector. */
    CB_EVENT = 256, CB_SYSCALL = 257, CB_SYSCALL32 = 258, CB_SYSENTER = 259, CB_NMI = 260, CB_FAILSAFE = 261,
};
enum { PFEC_PRESENT = 1, PFEC_WRITE = 2, PFEC_USER = 4, PFEC_RSVD = 8, PFEC_FETCH = 16 };
enum { FL_CF = 1, FL_TF = 1 << 8, FL_IF = 1 << 9, FL_DF = 1 << 10, FL_IOPL = 3 << 12, FL_NT = 1 << 14,
       FL_RF = 1 << 16, FL_AC = 1 << 18 };

/* What the last trap that trap_try caught looked like; count says how many there were since it was armed. */
struct trap_record {
    unsigned count;
    struct frame frame;
    uint64_t cr2;
    uint8_t upcall_mask;        /* evtchn_upcall_mask as the handler found it */
};
extern struct trap_record trap;
extern unsigned long failsafe_selectors[4];     /* ds, es, fs, gs of the last failsafe callback */
extern unsigned long trap_try_value;
extern unsigned long trap_entry_rflags;         /* rflags at the first instructions of the last handler */
extern const unsigned long trap_entry_table[][2];
long trap_try(long (*probe)(long), long arg);
void trap_init(void);
/* The virtual IDT that trap_init() loads; a test may copy and change it. */
unsigned trap_table_default(struct trap_info *table, unsigned space);
unsigned long trap_entry_of(unsigned vector);
/* A handler that gets a vector before the default action; true if it dealt with the frame. */
extern bool (*trap_hook[262])(struct frame *frame);
extern void event_entry(void), failsafe_entry(void), syscall_entry(void), syscall32_entry(void),
            sysenter_entry(void), nmi_entry(void);
void iret_frame(struct frame *frame) __attribute__((noreturn));

/*
 * PROBE(name, "insn"): a global function of assembly; its first instruction has the function's address, so
 * that a fault's rip can be compared.  The argument is in rdi.
 */
#define PROBE(name, ...)                                                                 \
    long name(long arg);                                                                  \
    asm(".pushsection .text\n.globl " #name "\n.balign 16\n" #name ": " __VA_ARGS__       \
        "\nret\n.popsection\n")

/* Run a probe that must trap; true if it trapped with this vector. */
bool traps(long (*probe)(long), long arg, unsigned vector);

/* ---- user.c: user mode ---- */
#define USER_CODE 0x400000UL    /* where the .user section is mapped for user mode, and for the kernel */
#define USER_DATA 0x500000UL    /* one writable page */
#define USER_STACK_TOP (USER_DATA + PAGE_SIZE)
extern struct frame user_exit;          /* frame of the entry that ended user_run */
extern uint8_t user_exit_upcall_mask;
extern uint64_t user_exit_cr2;
extern int user_active;
void user_init(void);                   /* builds tables and installs the user base pointer */
unsigned long user_l4_mfn(void);
/* Run user code at this symbol of .user, rdi = arg; returns the vector that ended it (frame in user_exit). */
unsigned user_run(const void *symbol, unsigned long arg);
/* The same with full control of the frame. */
unsigned user_run_frame(struct frame *frame, unsigned long iret_flags);
void user_frame(struct frame *frame, const void *symbol, unsigned long arg);
unsigned long user_address(const void *symbol);
#define USER_PROBE(name, ...)                                                            \
    extern const char name[];                                                             \
    asm(".pushsection .user, \"ax\"\n.globl " #name "\n.balign 16\n" #name ": "           \
        __VA_ARGS__ "\nsyscall\n.popsection\n")

/* ---- mm.c ---- */
typedef uint64_t pte_t;
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_PWT = 8, PTE_PCD = 16, PTE_A = 32, PTE_D = 64, PTE_PSE = 128,
       PTE_G = 256, PTE_AVAIL = 0xe00 };
#define PTE_NX (1UL << 63)
#define PTE_MFN(pte) (((pte) & 0x000ffffffffff000UL) >> PAGE_SHIFT)
#define PTE(mfn, flags) (((pte_t)(mfn) << PAGE_SHIFT) | (flags))
#define L1_FLAGS (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)
#define L1_RO (PTE_P | PTE_U | PTE_A)
#define TABLE_FLAGS (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)

void mm_init(void);
void *page_alloc(void);                 /* a zeroed, writable page of the image's pool; bails out if empty */
void page_free(void *page);
unsigned long va_to_pfn(const void *va);
unsigned long va_to_mfn(const void *va);        /* of the image and the boot region */
void *mfn_to_va(unsigned long mfn);
unsigned long *p2m(void);
unsigned long root_mfn(void);
/* Machine address of the level's entry that maps va in the current root; 0 if a level above is absent. */
uint64_t pte_maddr(unsigned long va, unsigned level);
pte_t pte_read(unsigned long va, unsigned level);
static inline uint64_t entry_maddr(const void *table, unsigned index)
{
    return ((uint64_t)va_to_mfn(table) << PAGE_SHIFT) + index * 8;
}
static inline unsigned table_index(unsigned long va, unsigned level)
{
    return (va >> (PAGE_SHIFT + 9 * (level - 1))) & 511;
}
/* One mmu_update; returns the hypercall's value. */
long mmu_set(uint64_t entry, pte_t value);
long mmu_set_done(uint64_t entry, pte_t value, unsigned *done);
long update_va(unsigned long va, pte_t value, unsigned long flags);
long mmuext(unsigned cmd, unsigned long mfn);
long mmuext_linear(unsigned cmd, unsigned long va, unsigned long arg2);
/* Map a page of the pool read-only or writable again where the image maps it. */
long page_readonly(void *page);
long page_writable(void *page);
/* Map mfn at va (a free address of the low half), building tables as needed; the tables are never freed. */
long map_page(unsigned long va, pte_t pte);
/* A fresh, pinned or installable L1..L4 skeleton: allocated, zeroed, read-only. */
void *table_alloc(void);
void table_free(void *table);

/* ---- events.c ---- */
typedef void (*event_handler)(unsigned port);
void event_init(void);
void event_set_handler(unsigned port, event_handler handler);
void event_dispatch(void);
extern volatile unsigned event_count[4096];     /* how many times each port was handled */
extern volatile unsigned upcall_count;
/* Where a vCPU's record has been moved by VCPUOP_register_vcpu_info; null: in shared_info. */
extern struct vcpu_info *vcpu_info_moved[2];
static inline struct vcpu_info *vcpu_info(unsigned vcpu)
{
    return vcpu < 2 && vcpu_info_moved[vcpu] ? vcpu_info_moved[vcpu] : &shared_info->vcpu_info[vcpu];
}
static inline void events_mask(void)
{
    *(volatile uint8_t *)&vcpu_info(0)->evtchn_upcall_mask = 1;
    asm volatile("" ::: "memory");
}
void events_unmask(void);               /* delivers what is pending */
bool port_pending(unsigned port);
bool port_masked(unsigned port);
bool port_await(unsigned port);         /* blocked, its upcall masked; false if it did not come in time */
void port_clear(unsigned port);
void port_mask(unsigned port);
long port_unmask(unsigned port);        /* EVTCHNOP_unmask */
long evtchn_op(unsigned cmd, void *arg);
long evtchn_status_of(unsigned port, struct evtchn_status *status);
long evtchn_send(unsigned port);
long evtchn_close(unsigned port);
domid_t domain_self(void);              /* our own number, as a port's state tells it */

/* ---- time.c ---- */
#define SECOND 1000000000UL
uint64_t now(void);                     /* system time in ns by the shared pvclock */
uint64_t rdtsc(void);
void spin_ns(uint64_t ns);
/* Wait until *counter reaches want or ns have passed; true if it did. */
bool wait_count(volatile unsigned *counter, unsigned want, uint64_t ns);

/* ---- smp.c ---- */
unsigned vcpu_total(void);              /* vCPUs that this domain may have */
unsigned vcpu_self(void);               /* the one that asks, by its stack */
long vcpu_start(unsigned vcpu, void (*entry)(void));
void vcpu_context(struct vcpu_guest_context *context, unsigned vcpu, void (*entry)(void));

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return lo | (uint64_t)hi << 32;
}

struct cpuid_regs { uint32_t eax, ebx, ecx, edx; };
static inline struct cpuid_regs cpuid_forced(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_regs r;

    asm volatile(XEN_CPUID : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "0"(leaf), "2"(subleaf));
    return r;
}
static inline struct cpuid_regs cpuid_native(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_regs r;

    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "0"(leaf), "2"(subleaf));
    return r;
}

#endif
