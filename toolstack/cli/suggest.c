/* SPDX-License-Identifier: MIT */
/*
 * Edit distance with neighbouring letters swapped counting as one slip, on short words.
 */
#include "suggest.h"

#include <string.h>

#define LONGEST 24

static unsigned min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
    unsigned d[LONGEST + 1][LONGEST + 1];

    for (size_t i = 0; i <= la; i++) {
        for (size_t j = 0; j <= lb; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = min(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]), min(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[la][lb];
}

void suggest_offer(struct suggestion *best, const char *typed, const char *candidate)
{
    size_t lt = strlen(typed), lc = strlen(candidate);
    unsigned apart;

    if (lt == 0 || lt > LONGEST || lc > LONGEST)
        return;
    apart = distance(typed, lt, candidate, lc);
    /* A word begun and not finished is near, too. */
    if (lt >= 2 && lt < lc && strncmp(typed, candidate, lt) == 0)
        apart = 1;
    if (apart * 3 <= (lt > 3 ? lt + 2 : 3) && (!best->word || apart < best->distance)) {
        best->word = candidate;
        best->distance = apart;
    }
}
