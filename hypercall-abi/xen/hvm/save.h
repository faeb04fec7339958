/* SPDX-License-Identifier: MIT */
/*
 * Records of saved state, as far as PV needs them: the machine-check part of XEN_DOMCTL_set_ext_vcpucontext
 * has the layout of such a record. A record type ties a name to a code and a structure by the sizes of arrays
 * in a structure that never exists.
 */
#ifndef __XEN_PUBLIC_HVM_SAVE_H__
#define __XEN_PUBLIC_HVM_SAVE_H__

#include <stdint.h>

/* Head of each record in a saved stream. */
struct hvm_save_descriptor {
    uint16_t typecode;
    uint16_t instance; /* vCPU, or which of several devices */
    uint32_t length;   /* bytes that follow */
};

#define DECLARE_HVM_SAVE_TYPE(name, code, type) \
    struct __HVM_SAVE_TYPE_##name {             \
        type t;                                 \
        char c[code];                           \
        char cpt[1];                            \
    }
#define HVM_SAVE_TYPE(name)   __typeof__(((struct __HVM_SAVE_TYPE_##name *)0)->t)
#define HVM_SAVE_LENGTH(name) (sizeof(HVM_SAVE_TYPE(name)))
#define HVM_SAVE_CODE(name)   (sizeof(((struct __HVM_SAVE_TYPE_##name *)0)->c))

#include "../arch-x86/hvm/save.h"

#endif /* __XEN_PUBLIC_HVM_SAVE_H__ */
