/* SPDX-License-Identifier: MIT */
/* What the files of the newlib glue share. */
#ifndef MINIOS_NEWLIB_GLUE_H
#define MINIOS_NEWLIB_GLUE_H

#include <minios/fd.h>

extern const struct fd_ops console_fd_ops;

#endif
