/* SPDX-License-Identifier: MIT */
/*
 * Sets of named things in order: the children of a node, and of a place that is watched. A sorted array,
 * since most sets are small, all are listed, and looking up must stay cheap whatever names a guest chooses.
 */
#ifndef TOOLSTACK_STORE_NAMES_H
#define TOOLSTACK_STORE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first member of what has a name; the name is not ended by a NUL. */
struct named {
    const char *name;
    uint32_t length;
};

/* Ordered by length, then by bytes, so that 9 comes before 10. */
struct names {
    struct named **at;
    uint32_t count, room;
};

/* Is there one of that name? *place is where it is, or would be. */
bool names_find(const struct names *set, const char *name, size_t length, uint32_t *place);
/* Make room for one more: after true, the next names_put() cannot fail. */
bool names_reserve(struct names *set);
void names_put(struct names *set, uint32_t place, struct named *item);
void names_drop(struct names *set, uint32_t place);
/* The same members. False: no memory, and `to` is empty. */
bool names_copy(struct names *to, const struct names *from);
void names_free(struct names *set);

/* The next component of a path; *path is behind it then. False: there is none. */
static inline bool path_next(const char **path, const char **name, size_t *length)
{
    const char *end = *path;

    if (*end == '/')
        end++;
    *name = end;
    while (*end && *end != '/')
        end++;
    *path = end;
    *length = end - *name;
    return *length != 0;
}

#endif
