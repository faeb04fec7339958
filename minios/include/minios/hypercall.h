/* SPDX-License-Identifier: MIT */
/*
 * Call stubs HYPERVISOR_<name>(), one for each row of hypercalls.def, with
 * argument types from the row's kinds. They enter through the hypercall page
 * that the domain builder filled (ELF note HYPERCALL_PAGE) and return what the
 * hypervisor left in %rax: 0 or a count, or a negative Xen errno (xen/errno.h,
 * the same numbers as newlib's for those that both have; see xen_errno()).
 */
#ifndef MINIOS_HYPERCALL_H
#define MINIOS_HYPERCALL_H

#include <stdint.h>

#include <xen/xen.h>

/* One page, 32 bytes of code a call; lives in entry.S. */
extern const char hypercall_page[];

/* newlib's errno for a Xen error: takes -XEN_Exxx or 0, gives Exxx or 0. */
int xen_errno(long result);

/* Text for a Xen error of either sign. */
const char *xen_strerror(long result);

/*
 * %rdi, %rsi, %rdx, %r10, %r8 carry the arguments; %rcx and %r11 are lost to SYSCALL, and a debug
 * build of a hypervisor may poison the argument registers, so all are outputs too.
 */
#define HC_ENTER_(nr, ret, ...)                                                     \
    __asm__ volatile("call hypercall_page + %c[off]"                                \
                     : "=a" (ret) __VA_ARGS__                                       \
                     : [off] "i" ((nr) * 32)                                        \
                     : "rcx", "r11", "memory")

#define HC_TYPE_cmd unsigned int
#define HC_TYPE_cmd64 unsigned long
#define HC_TYPE_u32 unsigned int
#define HC_TYPE_u64 uint64_t
#define HC_TYPE_dom domid_t
#define HC_TYPE_va  uint64_t
#define HC_TYPE_ptr const volatile void *

#define HC_STUB_0(nr, name, k)                                                      \
    static inline long HYPERVISOR_##name(void)                                      \
    {                                                                               \
        long ret;                                                                   \
        HC_ENTER_(nr, ret);                                                         \
        return ret;                                                                 \
    }
#define HC_STUB_1(nr, name, k1)                                                     \
    static inline long HYPERVISOR_##name(HC_TYPE_##k1 a1)                           \
    {                                                                               \
        long ret;                                                                   \
        uint64_t r1 = (uint64_t)a1;                                                 \
        HC_ENTER_(nr, ret, , "+D" (r1));                                            \
        return ret;                                                                 \
    }
#define HC_STUB_2(nr, name, k1, k2)                                                 \
    static inline long HYPERVISOR_##name(HC_TYPE_##k1 a1, HC_TYPE_##k2 a2)          \
    {                                                                               \
        long ret;                                                                   \
        uint64_t r1 = (uint64_t)a1, r2 = (uint64_t)a2;                              \
        HC_ENTER_(nr, ret, , "+D" (r1), "+S" (r2));                                 \
        return ret;                                                                 \
    }
#define HC_STUB_3(nr, name, k1, k2, k3)                                             \
    static inline long HYPERVISOR_##name(HC_TYPE_##k1 a1, HC_TYPE_##k2 a2, HC_TYPE_##k3 a3) \
    {                                                                               \
        long ret;                                                                   \
        uint64_t r1 = (uint64_t)a1, r2 = (uint64_t)a2, r3 = (uint64_t)a3;           \
        HC_ENTER_(nr, ret, , "+D" (r1), "+S" (r2), "+d" (r3));                      \
        return ret;                                                                 \
    }
#define HC_STUB_4(nr, name, k1, k2, k3, k4)                                         \
    static inline long HYPERVISOR_##name(HC_TYPE_##k1 a1, HC_TYPE_##k2 a2, HC_TYPE_##k3 a3, \
                                         HC_TYPE_##k4 a4)                           \
    {                                                                               \
        long ret;                                                                   \
        uint64_t r1 = (uint64_t)a1, r2 = (uint64_t)a2, r3 = (uint64_t)a3;           \
        register uint64_t r4 __asm__("r10") = (uint64_t)a4;                         \
        HC_ENTER_(nr, ret, , "+D" (r1), "+S" (r2), "+d" (r3), "+r" (r4));           \
        return ret;                                                                 \
    }
#define HC_STUB_5(nr, name, k1, k2, k3, k4, k5)                                     \
    static inline long HYPERVISOR_##name(HC_TYPE_##k1 a1, HC_TYPE_##k2 a2, HC_TYPE_##k3 a3, \
                                         HC_TYPE_##k4 a4, HC_TYPE_##k5 a5)          \
    {                                                                               \
        long ret;                                                                   \
        uint64_t r1 = (uint64_t)a1, r2 = (uint64_t)a2, r3 = (uint64_t)a3;           \
        register uint64_t r4 __asm__("r10") = (uint64_t)a4;                         \
        register uint64_t r5 __asm__("r8") = (uint64_t)a5;                          \
        HC_ENTER_(nr, ret, , "+D" (r1), "+S" (r2), "+d" (r3), "+r" (r4), "+r" (r5)); \
        return ret;                                                                 \
    }

#define HC_UNPAREN(...) __VA_ARGS__
#define HC_EXPAND(stub, ...) stub(__VA_ARGS__)
#define HYPERCALL(nr, name, nargs, kinds, who, state, text) \
    HC_EXPAND(HC_STUB_##nargs, nr, name, HC_UNPAREN kinds)

#include <hypercalls.def>

#endif
