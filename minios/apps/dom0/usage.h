/* SPDX-License-Identifier: MIT */
/* The word `usage` of Domain-0's shell: see usage.c. */
#ifndef DOM0_USAGE_H
#define DOM0_USAGE_H

/* Prints "key : value" lines; returns an exit status. */
int word_usage(int argc, char **argv);

#endif
