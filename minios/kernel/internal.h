/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's files share among themselves and programs do not see.
 */
#ifndef MINIOS_INTERNAL_H
#define MINIOS_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <reent.h>

#include <xen/xen.h>

#include <minios/thread.h>

/*
 * Registers of the interrupted code, as entry.S stores them. From rax on the order is what the iret
 * hypercall needs; `error` becomes its flags.
 */
struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
    uint64_t rax, r11, rcx, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

#define RFLAGS_IF (1UL << 9)

#define PTE_PRESENT  0x001UL
#define PTE_RW       0x002UL
#define PTE_USER     0x004UL
#define PTE_ACCESSED 0x020UL
#define PTE_DIRTY    0x040UL
#define PTE_FRAME    0x000ffffffffff000UL

/* Regions of the address map (mm.h). */
#define HEAP_START 0x0000008000000000UL
#define HEAP_END   0x0000010000000000UL
#define MAP_START  0x0000010000000000UL
#define MAP_END    0x0000018000000000UL

#define barrier() __asm__ volatile("" : : : "memory")
#define mb()      __asm__ volatile("mfence" : : : "memory")
#define rmb()     barrier()
#define wmb()     barrier()

#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Image layout, from minios.lds. */
extern char image_start[], text_end[], readonly_end[], image_end[];

/* boot.c */
extern struct start_info *start_info;
extern struct shared_info *shared_info;
static inline struct vcpu_info *this_vcpu_info(void)
{
    return &shared_info->vcpu_info[0];
}

/* entry.S */
void event_callback(void);
void failsafe_callback(void);
void thread_entry(void);
void context_switch(uint64_t *save_rsp, uint64_t load_rsp);
bool probe_read(const void *from, uint64_t *to);
extern const char probe_read_access[], probe_read_failed[];

/* printk.c: the formatter behind it. */
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list args);

/* traps.c: install the trap table and the upcall entry points. */
void traps_init(void);

/* symbols.c */
void backtrace_from(uint64_t rip, uint64_t rbp);

/* pages.c and paging.c: all of memory usable, page 0 and the read-only parts of the image protected. */
void mm_init(void);

/* pages.c, for paging.c */
struct boot_layout {
    unsigned long first_pfn;    /* of the image */
    unsigned long end_pfn;      /* behind the last thing that the domain builder placed */
    unsigned long mapped_pfn;   /* behind the last page that its page tables map */
};
void pages_init(const struct boot_layout *layout);
void *page_take_mapped(void);
unsigned long pages_mapped_end(void);

/* paging.c */
bool direct_map_extend(unsigned long *mapped_pfn);
bool map_own_pages(uintptr_t va, size_t n);
void unmap_own_pages(uintptr_t va, size_t n);

/* heap.c: sbrk's back half. */
void *heap_extend(ptrdiff_t delta);

/* range.c: address space of the mapping region. */
uintptr_t range_alloc(size_t pages);
void range_free(uintptr_t va, size_t pages);

/* event.c */
void events_init(void);

/* time.c */
void time_init(void);

/* thread.c */
struct thread {
    uint64_t rsp;
    struct thread *next;        /* in the run queue or the list of the dead */
    const char *name;
    void *stack;
    size_t stack_pages;
    void (*fn)(void *arg);
    void *arg;
    int64_t slice_start;
    bool detached, done;
    bool own_libc;              /* uses `reent`, not the state that exit() flushes */
    struct wait_queue joiners;
    struct _reent reent;
};

extern struct thread *current;
void threads_init(void);
void schedule(void);
void thread_make_runnable(struct thread *t);

/* wait.c: wake what is due; returns the next deadline or WAIT_FOREVER. Upcalls masked. */
int64_t timers_run(int64_t now);

/*
 * A console's transport. put and get never block; both return how many bytes they took.
 */
struct console_backend {
    bool returns_carriage;      /* a newline alone starts a new line at its left edge */
    size_t (*put)(const char *data, size_t len);
    size_t (*get)(char *data, size_t len);
    bool (*ready)(void);        /* get would give something */
};

/* console.c; the last two are for transports, from any context. */
void console_init(void);
void console_input_arrived(void);
void console_output_drained(void);

/* console_hv.c: Domain-0's, and everybody's until console_init. console_ring.c: a guest's. */
extern const struct console_backend console_hv, console_ring;
int console_hv_init(void);
int console_ring_init(void);

/* ramdisk.c */
void ramdisk_init(const void *data, size_t size);

/* words.c: split a command line in place; returns argc. */
int split_words(char *line, char **argv, int max);

#endif
