/* SPDX-License-Identifier: MIT */
/*
 * The floating-point and vector state of a vCPU, in an area of cpu.xsave_size bytes, aligned to 64: in the
 * standard XSAVE format, or FXSAVE's where there is no XSAVE. Nothing of one vCPU's state is left in the
 * registers after another's is restored. Who saves or restores has CR0.TS clear; the rest is memory alone.
 */
#pragma once

#include "lib/lib.h"

/* All components of cpu.xcr0, whatever XCR0 is now; XCR0 is left as cpu.xcr0. */
void fpu_save(void *area);
/* Restores all components; then sets XCR0 to the guest's (0: as cpu.xcr0). */
void fpu_restore(void *area, u64 xcr0);
/* The state after a reset with exceptions masked: FCW 0x37f, MXCSR 0x1f80. */
void fpu_init_state(void *area);
/*
 * From and to the 512 bytes of FXSAVE's format, x87 and SSE alone; MXCSR bits that the processor lacks are
 * dropped.
 */
void fpu_import_fxsave(void *area, const void *fxsave);
void fpu_export_fxsave(const void *area, void *fxsave);
