/* SPDX-License-Identifier: MIT */
/*
 * How the toolstack reports a failure: one line that says what failed, on which object, and what to do next.
 * A function that can fail takes a struct tn_error and returns a negative value after tn_fail(); whoever owns
 * the user's attention prints the line.
 */
#ifndef TOOLSTACK_ERROR_H
#define TOOLSTACK_ERROR_H

#include <stddef.h>

struct tn_error {
    char text[320];
};

/*
 * Write the line (no newline in it) and return -1. The first failure stands: later ones are its consequences.
 */
int tn_fail(struct tn_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forget a failure that was dealt with. */
static inline void tn_clear(struct tn_error *err)
{
    err->text[0] = '\0';
}

/*
 * Put words in front of a failure that is already written, for the caller who knows the object: "NAME: text".
 * Returns -1.
 */
int tn_fail_prefix(struct tn_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * What a hypervisor's error means, in words with its name: "no memory left (ENOMEM)". Takes the negative
 * value that the hypercall returned, in the ABI's own numbers (<xen/errno.h>).
 */
const char *tn_xen_error(long rc);

#endif
