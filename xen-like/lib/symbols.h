/* SPDX-License-Identifier: MIT */
/* Names of the hypervisor's functions by address, from the table that the build links into the image. */
#pragma once

#include "lib/types.h"

/* The function that contains address, and how far inside it; NULL where address is none of our code. */
const char *symbol_find(unsigned long address, unsigned long *offset);
