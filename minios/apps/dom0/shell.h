/* SPDX-License-Identifier: MIT */
/*
 * Domain-0's shell: reads lines from the console, runs words.
 */
#ifndef DOM0_SHELL_H
#define DOM0_SHELL_H

/* Read and run lines. Returns only when the machine could not be powered off. */
void shell_run(void);

/* A line from another thread: shown before the next prompt. */
void shell_notice(const char *line);

#endif
