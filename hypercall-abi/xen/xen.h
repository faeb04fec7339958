/* SPDX-License-Identifier: MIT */
/*
 * The core of the paravirtual interface: hypercall numbers, virtual interrupts, page-table calls, domain ids,
 * the shared page, and what a new domain finds in memory. Calls go by SYSCALL or through the hypercall page,
 * number in %rax, arguments in %rdi, %rsi, %rdx, %r10, %r8, result in %rax; %rcx and %r11 are lost. A
 * negative result is minus one of the errors in errno.h, the same for every call: -ENOSYS (no such call),
 * -EPERM (the domain may not), -EFAULT (an address that cannot be read or written), -EINVAL (an argument that
 * makes no sense).
 */
#ifndef __XEN_PUBLIC_XEN_H__
#define __XEN_PUBLIC_XEN_H__

#ifndef __ASSEMBLY__
#include <stdint.h>
#endif

#include "xen-compat.h"
#include "arch-x86/xen.h"

#ifndef __ASSEMBLY__

/* Handles to plain C types. */
DEFINE_XEN_GUEST_HANDLE(char);
__DEFINE_XEN_GUEST_HANDLE(uchar, unsigned char);
DEFINE_XEN_GUEST_HANDLE(int);
__DEFINE_XEN_GUEST_HANDLE(uint, unsigned int);
#if __XEN_INTERFACE_VERSION__ < 0x00040300
DEFINE_XEN_GUEST_HANDLE(long);
__DEFINE_XEN_GUEST_HANDLE(ulong, unsigned long);
#endif
DEFINE_XEN_GUEST_HANDLE(void);
DEFINE_XEN_GUEST_HANDLE(uint64_t);
DEFINE_XEN_GUEST_HANDLE(xen_pfn_t);
DEFINE_XEN_GUEST_HANDLE(xen_ulong_t);

/* Dimension of an array whose length stands elsewhere in its structure. */
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L
#define XEN_FLEX_ARRAY_DIM
#elif defined(__GNUC__)
#define XEN_FLEX_ARRAY_DIM 0
#else
#define XEN_FLEX_ARRAY_DIM 1
#endif

/* Unsigned constants that an assembler can read as well; there the suffix is left off. */
#define __xen_mk_uint(x)  x##U
#define __xen_mk_ulong(x) x##UL
#ifndef __xen_mk_ullong
#define __xen_mk_ullong(x) x##ULL
#endif
#define xen_mk_uint(x)   __xen_mk_uint(x)
#define xen_mk_ulong(x)  __xen_mk_ulong(x)
#define xen_mk_ullong(x) __xen_mk_ullong(x)

#else

#define xen_mk_uint(x)   x
#define xen_mk_ulong(x)  x
#define xen_mk_ullong(x) x

#endif /* !__ASSEMBLY__ */

/* Hypercall numbers. Arguments, callers and what Tenon has of them: ../hypercalls.def and docs/abi.md. */
#define __HYPERVISOR_set_trap_table                0
#define __HYPERVISOR_mmu_update                    1
#define __HYPERVISOR_set_gdt                       2
#define __HYPERVISOR_stack_switch                  3
#define __HYPERVISOR_set_callbacks                 4
#define __HYPERVISOR_fpu_taskswitch                5
#define __HYPERVISOR_sched_op_compat               6
#define __HYPERVISOR_platform_op                   7
#define __HYPERVISOR_set_debugreg                  8
#define __HYPERVISOR_get_debugreg                  9
#define __HYPERVISOR_update_descriptor             10
#define __HYPERVISOR_memory_op                     12
#define __HYPERVISOR_multicall                     13
#define __HYPERVISOR_update_va_mapping             14
#define __HYPERVISOR_set_timer_op                  15
#define __HYPERVISOR_event_channel_op_compat       16
#define __HYPERVISOR_xen_version                   17
#define __HYPERVISOR_console_io                    18
#define __HYPERVISOR_physdev_op_compat             19
#define __HYPERVISOR_grant_table_op                20
#define __HYPERVISOR_vm_assist                     21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                          23
#define __HYPERVISOR_vcpu_op                       24
#define __HYPERVISOR_set_segment_base              25
#define __HYPERVISOR_mmuext_op                     26
#define __HYPERVISOR_xsm_op                        27
#define __HYPERVISOR_nmi_op                        28
#define __HYPERVISOR_sched_op                      29
#define __HYPERVISOR_callback_op                   30
#define __HYPERVISOR_xenoprof_op                   31
#define __HYPERVISOR_event_channel_op              32
#define __HYPERVISOR_physdev_op                    33
#define __HYPERVISOR_hvm_op                        34
#define __HYPERVISOR_sysctl                        35
#define __HYPERVISOR_domctl                        36
#define __HYPERVISOR_kexec_op                      37
#define __HYPERVISOR_tmem_op                       38
#define __HYPERVISOR_argo_op                       39
#define __HYPERVISOR_xenpmu_op                     40
#define __HYPERVISOR_dm_op                         41
#define __HYPERVISOR_hypfs_op                      42

/*
 * Numbers whose meaning is the architecture's; on x86 number 48 is the machine-check call, see
 * arch-x86/xen-mca.h.
 */
#define __HYPERVISOR_arch_0 48
#define __HYPERVISOR_arch_1 49
#define __HYPERVISOR_arch_2 50
#define __HYPERVISOR_arch_3 51
#define __HYPERVISOR_arch_4 52
#define __HYPERVISOR_arch_5 53
#define __HYPERVISOR_arch_6 54
#define __HYPERVISOR_arch_7 55

/* Guests of old interface versions mean the old calls by the plain names. */
#if __XEN_INTERFACE_VERSION__ < 0x00030101
#undef __HYPERVISOR_sched_op
#define __HYPERVISOR_sched_op __HYPERVISOR_sched_op_compat
#endif
#if __XEN_INTERFACE_VERSION__ < 0x00030202
#undef __HYPERVISOR_event_channel_op
#define __HYPERVISOR_event_channel_op __HYPERVISOR_event_channel_op_compat
#undef __HYPERVISOR_physdev_op
#define __HYPERVISOR_physdev_op __HYPERVISOR_physdev_op_compat
#endif
#if __XEN_INTERFACE_VERSION__ < 0x00030204
#define __HYPERVISOR_dom0_op __HYPERVISOR_platform_op
#endif

/*
 * Virtual interrupts, bound to an event channel by EVTCHNOP_bind_virq. "each vCPU": one binding per vCPU that
 * stays on it. "one": a single binding in the domain, made on vCPU 0 and movable afterwards. "control": only
 * for domains that may receive it (Domain-0).
 */
#define VIRQ_TIMER      0  /* each vCPU: a timer of this vCPU expired */
#define VIRQ_DEBUG      1  /* each vCPU: asked to print its state */
#define VIRQ_CONSOLE    2  /* one, control: input waits for CONSOLEIO_read */
#define VIRQ_DOM_EXC    3  /* one, control: a domain shut down, crashed or is gone */
#define VIRQ_TBUF       4  /* one, control: trace records wait */
#define VIRQ_DEBUGGER   6  /* one, control: a domain paused for its debugger */
#define VIRQ_XENOPROF   7  /* each vCPU: profiler sample */
#define VIRQ_CON_RING   8  /* one, control: new text in the console ring */
#define VIRQ_PCPU_STATE 9  /* one, control: a physical CPU came or went */
#define VIRQ_MEM_EVENT  10 /* one, control: memory event */
#define VIRQ_ARGO       11 /* one: argo message */
#define VIRQ_ENOMEM     12 /* one, control: the hypervisor is short of memory */
#define VIRQ_XENPMU     13 /* each vCPU: performance counter overflow */

#define VIRQ_ARCH_0 16 /* x86: machine-check telemetry, VIRQ_MCA */
#define VIRQ_ARCH_1 17
#define VIRQ_ARCH_2 18
#define VIRQ_ARCH_3 19
#define VIRQ_ARCH_4 20
#define VIRQ_ARCH_5 21
#define VIRQ_ARCH_6 22
#define VIRQ_ARCH_7 23

#define NR_VIRQS 24

/*
 * mmu_update(const mmu_update_t reqs[], unsigned int count, unsigned int *done, unsigned int foreigndom)
 *
 * Performs count requests in order and stops at the first that fails; *done (may be null) receives how many
 * succeeded. foreigndom[15:0] is the domain whose frames new entries may map (DOMID_SELF: the caller's;
 * DOMID_IO: device memory only), foreigndom[31:16] is 0 or one more than the id of the domain that owns the
 * tables; other domains than the caller need control over them. Returns 0; -EINVAL (entry, frame or type
 * refused), -EPERM (no control over the domain, frame not granted), -ESRCH (no such domain), -EFAULT.
 *
 * The low two bits of a request's ptr are the command. For the page-table commands the rest is the machine
 * address of an entry. If the entry's frame is a validated table, the new value must be one that validation
 * of that level would accept: no reserved bits, target frame owned as said, a writable mapping only of a
 * frame that is no page table or descriptor table, an upper-level entry only to a table of the next level
 * (validated then and there if need be). If the frame is not a table in use, it is written as plain memory.
 *
 * An entry holds bit 0 present, 1 writable, 2 user, 3 PWT, 4 PCD, 5 accessed, 6 dirty, 7 PAT (level 1; a
 * large page is refused on other levels), 8 global, 9-11 and 52-62 for software, 12-51 machine frame, 63
 * no-execute. The kernel of a 64-bit guest runs in ring 3, therefore the user bit is forced on: an entry that
 * was written without it reads back with it. The PAT register is (entry 0 to 5) WB, WT, UC-, UC, WC, WP.
 */
#define MMU_NORMAL_PT_UPDATE       0 /* write val to a page-table entry, checked */
#define MMU_MACHPHYS_UPDATE        1 /* val becomes the M2P entry of the frame at ptr, foreigndom's */
#define MMU_PT_UPDATE_PRESERVE_AD  2 /* as 0, but accessed and dirty of the old entry survive, atomically */
#define MMU_PT_UPDATE_NO_TRANSLATE 3 /* as 0; differs only for domains with translated frame numbers */

/*
 * mmuext_op(mmuext_op_t ops[], unsigned int count, unsigned int *done, unsigned int foreigndom)
 *
 * Performs count operations in order, results as with mmu_update. foreigndom names the domain that owns the
 * frames (DOMID_SELF for the caller); only the pin, unpin, clear and copy operations take another one.
 */
#define MMUEXT_PIN_L1_TABLE       0  /* validate mfn as a level 1 table and keep it so: -EINVAL if it */
#define MMUEXT_PIN_L2_TABLE       1  /* cannot be one or is pinned already, -EPERM if not foreigndom's */
#define MMUEXT_PIN_L3_TABLE       2
#define MMUEXT_PIN_L4_TABLE       3
#define MMUEXT_UNPIN_TABLE        4  /* drop the pin of mfn: -EINVAL if it has none */
#define MMUEXT_NEW_BASEPTR        5  /* load mfn as kernel root, validating it as level 4 if need be */
#define MMUEXT_TLB_FLUSH_LOCAL    6  /* flush the calling vCPU's translations */
#define MMUEXT_INVLPG_LOCAL       7  /* flush linear_addr on the calling vCPU */
#define MMUEXT_TLB_FLUSH_MULTI    8  /* flush translations of the vCPUs in the bitmap vcpumask */
#define MMUEXT_INVLPG_MULTI       9  /* flush linear_addr on the vCPUs in vcpumask */
#define MMUEXT_TLB_FLUSH_ALL      10 /* flush translations of all vCPUs of the domain */
#define MMUEXT_INVLPG_ALL         11 /* flush linear_addr on all vCPUs of the domain */
#define MMUEXT_FLUSH_CACHE        12 /* write back and drop the CPU's caches: -EACCES without device memory */
#define MMUEXT_SET_LDT            13 /* nr_ents descriptors (8192 at most) at page-aligned linear_addr */
#define MMUEXT_NEW_USER_BASEPTR   15 /* load mfn as root for user mode; 0: none, user mode cannot run */
#define MMUEXT_CLEAR_PAGE         16 /* fill the plain writable frame mfn with zeros */
#define MMUEXT_COPY_PAGE          17 /* copy frame src_mfn to the plain writable frame mfn */
#define MMUEXT_FLUSH_CACHE_GLOBAL 18 /* as FLUSH_CACHE on all CPUs */
#define MMUEXT_MARK_SUPER         19 /* large pages are not offered: -EOPNOTSUPP */
#define MMUEXT_UNMARK_SUPER       20

#ifndef __ASSEMBLY__
struct mmuext_op {
    unsigned int cmd;
    union {
        xen_pfn_t mfn;
        unsigned long linear_addr;
    } arg1;
    union {
        unsigned int nr_ents;
#if __XEN_INTERFACE_VERSION__ >= 0x00030205
        XEN_GUEST_HANDLE(const_void) vcpumask;
#else
        const void *vcpumask;
#endif
        xen_pfn_t src_mfn;
    } arg2;
};
typedef struct mmuext_op mmuext_op_t;
DEFINE_XEN_GUEST_HANDLE(mmuext_op_t);
#endif

/*
 * update_va_mapping(unsigned long va, uint64_t val, unsigned long flags)
 * update_va_mapping_otherdomain(unsigned long va, uint64_t val, unsigned long flags, domid_t domid)
 *
 * Writes val to the level 1 entry that maps va in the current address space, under the rules of mmu_update,
 * then flushes as flags say. The second form maps frames of domid. Returns 0; -EINVAL (no level 1 table
 * there, entry refused), -EPERM, -ESRCH. One flush kind is ORed with one target; for MULTI also with the
 * address of a vCPU bitmap, a null address meaning the calling vCPU.
 */
#define UVMF_NONE           (xen_mk_ulong(0) << 0) /* no flush */
#define UVMF_TLB_FLUSH      (xen_mk_ulong(1) << 0) /* flush everything */
#define UVMF_INVLPG         (xen_mk_ulong(2) << 0) /* flush va */
#define UVMF_FLUSHTYPE_MASK (xen_mk_ulong(3) << 0)
#define UVMF_MULTI          (xen_mk_ulong(0) << 2) /* on the vCPUs of the bitmap */
#define UVMF_LOCAL          (xen_mk_ulong(0) << 2) /* on the calling vCPU */
#define UVMF_ALL            (xen_mk_ulong(1) << 2) /* on all vCPUs of the domain */

/*
 * console_io(unsigned int cmd, unsigned int count, char *buffer)
 *
 * Write prints count bytes on the hypervisor's console: Domain-0's as they are, another domain's by lines,
 * printable characters only, and only if guest output is on (else -EPERM). Returns 0. Read returns how many
 * bytes, at most count, were waiting; only for Domain-0. Errors: -EPERM, -EFAULT, -ENOSYS (other cmd).
 */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/*
 * vm_assist(unsigned int cmd, unsigned int type): turns an aid on or off for the whole domain. Returns 0;
 * -EINVAL for a type that is not below, -ENOSYS for another cmd. Those for 32-bit guests have no effect.
 */
#define VMASST_CMD_enable  0
#define VMASST_CMD_disable 1

#define VMASST_TYPE_4gb_segments         0  /* 32-bit guests: segments into the hypervisor's range */
#define VMASST_TYPE_4gb_segments_notify  1  /* 32-bit guests: trap 15 on such a use */
#define VMASST_TYPE_writable_pagetables  2  /* a write to a level 1 table traps and is done as mmu_update */
#define VMASST_TYPE_pae_extended_cr3     3  /* 32-bit guests: root above 4 GiB */
#define VMASST_TYPE_architectural_iopl   4  /* IOPL comes from iret frames and shows in bounce frames */
#define VMASST_TYPE_runstate_update_flag 5  /* XEN_RUNSTATE_UPDATE is set while an area is written */
#define VMASST_TYPE_m2p_strict           32 /* user-mode roots never map the machine-to-physical table */

#if __XEN_INTERFACE_VERSION__ < 0x00040600
#define MAX_VMASST_TYPE 3
#endif

/* Domain ids: 0 to 0x7fef are domains, the others stand for something else in calls that say so. */
#define DOMID_FIRST_RESERVED xen_mk_uint(0x7FF0)
#define DOMID_SELF           xen_mk_uint(0x7FF0) /* the calling domain */
#define DOMID_IO             xen_mk_uint(0x7FF1) /* owner of device memory */
#define DOMID_XEN            xen_mk_uint(0x7FF2) /* owner of hypervisor pages that control domains may map */
#define DOMID_COW            xen_mk_uint(0x7FF3) /* owner of shared (deduplicated) pages */
#define DOMID_INVALID        xen_mk_uint(0x7FF4) /* nobody */
#define DOMID_IDLE           xen_mk_uint(0x7FFF) /* the idle vCPUs */
#define DOMID_MASK           xen_mk_uint(0x7FFF)

#ifndef __ASSEMBLY__

typedef uint16_t domid_t;

struct mmu_update {
    uint64_t ptr; /* machine address, command in bits 0 and 1 */
    uint64_t val;
};
typedef struct mmu_update mmu_update_t;
DEFINE_XEN_GUEST_HANDLE(mmu_update_t);

/*
 * multicall(multicall_entry_t calls[], uint32_t nr): performs the calls in order, each result in its entry; a
 * failed call does not stop the list. An entry may not be a multicall itself. Returns 0; -EFAULT (list
 * unreadable from that entry on), -EINVAL (nr of 2^31 and up).
 */
struct multicall_entry {
    xen_ulong_t op, result;
    xen_ulong_t args[6];
};
typedef struct multicall_entry multicall_entry_t;
DEFINE_XEN_GUEST_HANDLE(multicall_entry_t);

#if __XEN_INTERFACE_VERSION__ < 0x00040400
#define NR_EVENT_CHANNELS EVTCHN_2L_NR_CHANNELS
#endif

/*
 * System time of a vCPU, written by the hypervisor, read by the guest without a call:
 *     ns = system_time + ((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul / 2^32   (negative shift:
 *     right)
 * Read version, then the fields, then version again: an odd or changed version means try again.
 */
struct vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time; /* ns since the hypervisor started */
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
#if __XEN_INTERFACE_VERSION__ > 0x040600
    uint8_t flags; /* XEN_PVCLOCK_* */
    uint8_t pad1[2];
#else
    int8_t pad1[3];
#endif
};
typedef struct vcpu_time_info vcpu_time_info_t;

#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0) /* times of different vCPUs may be compared */
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1) /* the domain was paused: no soft-lockup alarms, please */

/*
 * What the hypervisor and a vCPU share. An event sets its port's pending bit, then the bit of its word in
 * evtchn_pending_sel, then evtchn_upcall_pending; with evtchn_upcall_mask clear the guest is called at its
 * event callback with the mask set. The guest clears evtchn_upcall_pending before it looks at the selector,
 * so nothing is lost. Only the CPU that runs the vCPU tests the mask: the vCPU may write it without a locked
 * instruction, and must look at evtchn_upcall_pending after it cleared the mask.
 */
struct vcpu_info {
    uint8_t evtchn_upcall_pending;
#ifdef XEN_HAVE_PV_UPCALL_MASK
    uint8_t evtchn_upcall_mask; /* 1 when a vCPU starts */
#else
    uint8_t pad0;
#endif
    xen_ulong_t evtchn_pending_sel; /* bit n: word n of evtchn_pending has work */
    struct arch_vcpu_info arch;
    vcpu_time_info_t time;
};
#ifndef __XEN__
typedef struct vcpu_info vcpu_info_t;
#endif

/*
 * The page that a domain shares with the hypervisor; start_info.shared_info is its machine address. Two-level
 * event ports have one bit in each bitmap: pending, set by the hypervisor and cleared by the guest, and mask,
 * set and cleared by the guest alone. A port that becomes pending while masked stays pending without an
 * upcall; EVTCHNOP_unmask clears the mask and makes up for it.
 */
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
    xen_ulong_t evtchn_pending[sizeof(xen_ulong_t) * 8];
    xen_ulong_t evtchn_mask[sizeof(xen_ulong_t) * 8]; /* all zero at the start */
    /* Wall-clock time at system time 0, as seconds and ns since 1970; wc_version works like the one above. */
    uint32_t wc_version;
    uint32_t wc_sec;
    uint32_t wc_nsec;
    uint32_t wc_sec_hi; /* upper half of the seconds */
#define xen_wc_sec_hi wc_sec_hi
    struct arch_shared_info arch;
};
#ifndef __XEN__
typedef struct shared_info shared_info_t;
#endif

/*
 * What a new PV domain finds. From the virtual base upwards, each part page-aligned and mapped writable
 * unless said: kernel image; RAM disk (unless SIF_MOD_START_PFN); frame list (unless the image has
 * XEN_ELFNOTE_INIT_P2M); start_info; xenstore ring page and console ring page (not Domain-0); page tables
 * (read-only); boot stack, one page. Then at least 512 KiB of mapped space, the end rounded up to 4 MiB.
 * Pages follow in pseudo-physical order. vCPU 0 starts at the entry point with %rsi = virtual address of
 * start_info, %rsp = top of the boot stack, other registers 0, flat ring 3 selectors, upcalls masked.
 */
#ifdef XEN_HAVE_PV_GUEST_ENTRY
struct start_info {
    /* Filled in at start and again after a resume. */
    char magic[32];            /* "xen-<major>.<minor>-x86_64" */
    unsigned long nr_pages;    /* frames of the domain */
    unsigned long shared_info; /* machine address */
    uint32_t flags;            /* SIF_* */
    xen_pfn_t store_mfn;       /* xenstore ring: machine frame and local port */
    uint32_t store_evtchn;
    union {
        struct {
            xen_pfn_t mfn;     /* console ring: machine frame and local port */
            uint32_t evtchn;
        } domU;
        struct {
            uint32_t info_off; /* dom0_vga_console_info: offset from here, size; 0 none */
            uint32_t info_size;
        } dom0;
    } console;
    /* Filled in at start only. */
    unsigned long pt_base;       /* virtual address of the root table */
    unsigned long nr_pt_frames;  /* page-table frames from there on */
    unsigned long mfn_list;      /* virtual address of the table pfn -> mfn */
    unsigned long mod_start;     /* RAM disk: virtual address, or pfn with SIF_MOD_START_PFN; 0 none */
    unsigned long mod_len;       /* bytes */
#define MAX_GUEST_CMDLINE 1024
    int8_t cmd_line[MAX_GUEST_CMDLINE];
    unsigned long first_p2m_pfn; /* frames of the table at mfn_list when INIT_P2M moved it */
    unsigned long nr_p2m_frames;
};
typedef struct start_info start_info_t;

#if __XEN_INTERFACE_VERSION__ < 0x00030203
#define console_mfn    console.domU.mfn
#define console_evtchn console.domU.evtchn
#endif
#endif /* XEN_HAVE_PV_GUEST_ENTRY */

#define SIF_PRIVILEGED      (1 << 0)    /* control domain */
#define SIF_INITDOMAIN      (1 << 1)    /* first domain */
#define SIF_MULTIBOOT_MOD   (1 << 2)    /* the module is a list, headed by xen_multiboot_mod_list */
#define SIF_MOD_START_PFN   (1 << 3)    /* mod_start is a pfn; the module is not mapped */
#define SIF_VIRT_P2M_4TOOLS (1 << 4)    /* tools read a linear table: the guest need not build the tree */
#define SIF_PM_MASK         (0xFF << 8) /* power-management bits for Domain-0 */

/* Entry of a module list; all values count from the list's start, an entry with mod_start 0 ends it. */
struct xen_multiboot_mod_list {
    uint32_t mod_start;
    uint32_t mod_end; /* last byte */
    uint32_t cmdline; /* zero-terminated text */
    uint32_t pad;     /* zero */
};

/*
 * The screen as the firmware or boot loader left it, for Domain-0. Later fields exist if info_size covers
 * them.
 */
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70 /* uses vesa_lfb as well */
typedef struct dom0_vga_console_info {
    uint8_t video_type;
    union {
        struct {
            uint16_t font_height; /* pixels */
            uint16_t cursor_x, cursor_y;
            uint16_t rows, columns;
        } text_mode_3;
        struct {
            uint16_t width, height; /* pixels */
            uint16_t bytes_per_line;
            uint16_t bits_per_pixel;
            uint32_t lfb_base; /* physical address; size in units of 64 KiB */
            uint32_t lfb_size;
            uint8_t red_pos, red_size;
            uint8_t green_pos, green_size;
            uint8_t blue_pos, blue_size;
            uint8_t rsvd_pos, rsvd_size;
#if __XEN_INTERFACE_VERSION__ >= 0x00030206
            uint32_t gbl_caps;   /* VBE controller capabilities */
            uint16_t mode_attrs; /* VBE mode attributes */
            uint16_t pad;
#endif
#if __XEN_INTERFACE_VERSION__ >= 0x00040d00
            uint32_t ext_lfb_base; /* upper half of the physical address */
#endif
        } vesa_lfb;
    } u;
} dom0_vga_console_info_t;
#define xen_vga_console_info   dom0_vga_console_info
#define xen_vga_console_info_t dom0_vga_console_info_t

typedef uint8_t xen_domain_handle_t[16]; /* a domain's UUID, opaque to the hypervisor */

__DEFINE_XEN_GUEST_HANDLE(uint8, uint8_t);
__DEFINE_XEN_GUEST_HANDLE(uint16, uint16_t);
__DEFINE_XEN_GUEST_HANDLE(uint32, uint32_t);
__DEFINE_XEN_GUEST_HANDLE(uint64, uint64_t);

/*
 * A UUID as its 16 bytes in written order; the macro builds one from its printed groups (32, 16, 16, 16 bits,
 * 6 bytes).
 */
typedef struct {
    uint8_t a[16];
} xen_uuid_t;

#define XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6)                                 \
    {                                                                                        \
        {                                                                                    \
            0xFF & ((a) >> 24), 0xFF & ((a) >> 16), 0xFF & ((a) >> 8), 0xFF & (a),           \
            0xFF & ((b) >> 8), 0xFF & (b), 0xFF & ((c) >> 8), 0xFF & (c),                    \
            0xFF & ((d) >> 8), 0xFF & (d), e1, e2, e3, e4, e5, e6                            \
        }                                                                                    \
    }
#if defined(__STDC_VERSION__) ? __STDC_VERSION__ >= 199901L : defined(__GNUC__)
#define XEN_DEFINE_UUID(a, b, c, d, e1, e2, e3, e4, e5, e6) \
    ((xen_uuid_t)XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6))
#else
#define XEN_DEFINE_UUID(a, b, c, d, e1, e2, e3, e4, e5, e6) \
    XEN_DEFINE_UUID_(a, b, c, d, e1, e2, e3, e4, e5, e6)
#endif

#endif /* !__ASSEMBLY__ */

/* For the control interfaces, whose layout does not depend on the caller's word size. */
#if defined(__XEN__) || defined(__XEN_TOOLS__)

#ifndef int64_aligned_t
#define int64_aligned_t int64_t
#endif
#ifndef uint64_aligned_t
#define uint64_aligned_t uint64_t
#endif
#ifndef XEN_GUEST_HANDLE_64
#define XEN_GUEST_HANDLE_64(name) XEN_GUEST_HANDLE(name)
#endif

#ifndef __ASSEMBLY__
/* A bitmap in guest memory, least significant bit first. */
struct xenctl_bitmap {
    XEN_GUEST_HANDLE_64(uint8) bitmap;
    uint32_t nr_bits;
};
typedef struct xenctl_bitmap xenctl_bitmap_t;
#endif

#endif /* __XEN__ || __XEN_TOOLS__ */

#endif /* __XEN_PUBLIC_XEN_H__ */
