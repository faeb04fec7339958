/* SPDX-License-Identifier: MIT */
/* Stands for newlib's header where the kernel's files are built for the development host. */
struct _reent {
    int unused;
};
