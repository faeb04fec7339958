/* SPDX-License-Identifier: MIT */
/* The x86-64 interface under its older path; everything is in arch-x86/. */
#include "arch-x86/xen.h"
