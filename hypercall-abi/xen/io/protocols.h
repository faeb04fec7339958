/* SPDX-License-Identifier: MIT */
/*
 * Names of ring layouts, for the xenstore node "protocol" of a front end: structures differ between word
 * sizes where they hold 64-bit fields. A missing node means the back end's own layout.
 */
#ifndef __XEN_PROTOCOLS_H__
#define __XEN_PROTOCOLS_H__

#define XEN_IO_PROTO_ABI_X86_32 "x86_32-abi"
#define XEN_IO_PROTO_ABI_X86_64 "x86_64-abi"
#define XEN_IO_PROTO_ABI_ARM    "arm-abi"

#define XEN_IO_PROTO_ABI_NATIVE XEN_IO_PROTO_ABI_X86_64

#endif /* __XEN_PROTOCOLS_H__ */
