/* SPDX-License-Identifier: MIT */
/*
 * Tables from hypercall-abi/subops.def. The includer defines SUBOP_OF_<call> as `~, SUBOP_ROW` for each
 * hypercall that it wants, and SUBOP_ROW(call, nr, name); this expands the latter for each sub-operation of
 * those calls that Tenon has. May be included again and again.
 */
#ifndef PV_SUBOPS_H
#define PV_SUBOPS_H
#define SUBOP_NO_ROW(call, nr, name)
#define SUBOP_SECOND(a, b, ...) b
/* The second of them: SUBOP_ROW where the first expands to two, else the one that is given. */
#define SUBOP_PICK(...) SUBOP_SECOND(__VA_ARGS__, ~)
#define SUBOP_IF_PRESENT(call) SUBOP_PICK(SUBOP_OF_##call, SUBOP_NO_ROW)
#define SUBOP_IF_ABSENT(call) SUBOP_NO_ROW
#endif

#define SUBOP(call, nr, name, state, text) SUBOP_IF_##state(call)(call, nr, name)
#include <subops.def>
#undef SUBOP_ROW
