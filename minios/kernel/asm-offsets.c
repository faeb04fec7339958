/* SPDX-License-Identifier: MIT */
/*
 * Numbers that entry.S shares with C. The build compiles this file to assembly and
 * turns the marked lines into asm-offsets.h, so that no offset is counted by hand.
 */
#include <stddef.h>

#include <xen/xen.h>
#include <xen/elfnote.h>

#include "internal.h"

#define DEFINE(name, value) __asm__ volatile("\n@define " #name " %c0" : : "i" (value))

/* 32 bytes a call on the hypercall page. */
#define HYPERCALL(nr, name, nargs, kinds, who, state, text) HC_OFFSET_##name = (nr) * 32,
enum {
#include <hypercalls.def>
};

void asm_offsets(void);
void asm_offsets(void)
{
    DEFINE(HC_IRET, HC_OFFSET_iret);
    DEFINE(FRAME_ERROR, offsetof(struct trap_frame, error));
    DEFINE(FRAME_RAX, offsetof(struct trap_frame, rax));
    DEFINE(NOTE_ENTRY, XEN_ELFNOTE_ENTRY);
    DEFINE(NOTE_HYPERCALL_PAGE, XEN_ELFNOTE_HYPERCALL_PAGE);
    DEFINE(NOTE_VIRT_BASE, XEN_ELFNOTE_VIRT_BASE);
    DEFINE(NOTE_PADDR_OFFSET, XEN_ELFNOTE_PADDR_OFFSET);
    DEFINE(NOTE_XEN_VERSION, XEN_ELFNOTE_XEN_VERSION);
    DEFINE(NOTE_GUEST_OS, XEN_ELFNOTE_GUEST_OS);
    DEFINE(NOTE_GUEST_VERSION, XEN_ELFNOTE_GUEST_VERSION);
    DEFINE(NOTE_LOADER, XEN_ELFNOTE_LOADER);
    DEFINE(NOTE_FEATURES, XEN_ELFNOTE_FEATURES);
}
