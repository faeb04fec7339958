/* SPDX-License-Identifier: MIT */
/*
 * The nearest known word for a mistyped one, by edit distance.
 */
#ifndef TOOLSTACK_SUGGEST_H
#define TOOLSTACK_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *word;       /* best so far, or NULL */
    unsigned distance;
};

/*
 * Offer one candidate for `typed`; keeps it when it is near enough to be meant and nearer than the best so
 * far.
 */
void suggest_offer(struct suggestion *best, const char *typed, const char *candidate);

#endif
