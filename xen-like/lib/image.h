/* SPDX-License-Identifier: MIT */
/*
 * Where the image lies. Virtually: the linker's symbols (boot/image.lds), each at a page boundary: code up to
 * image_text_end, read-only data up to image_rodata_end, data up to image_end. Physically: one piece from
 * image_phys, a multiple of 2 MiB below 4 GiB.
 */
#pragma once

#include "lib/types.h"

extern char image_start[], image_text_end[], image_rodata_end[], image_end[];

extern u64 image_phys;

/* Machine address of something inside the image. */
static inline u64 image_virt_to_phys(const void *p)
{
    return (u64)((const char *)p - image_start) + image_phys;
}
