/* SPDX-License-Identifier: MIT */
/*
 * Sets of named things: sorted arrays of pointers.
 */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 4u

bool names_find(const struct names *set, const char *name, size_t length, uint32_t *place)
{
    uint32_t low = 0, high = set->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct named *item = set->at[middle];
        int order = item->length != length ? (item->length < length ? -1 : 1)
                                           : memcmp(item->name, name, length);

        if (order == 0) {
            *place = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return false;
}

static bool resize(struct names *set, uint32_t room)
{
    struct named **at = realloc(set->at, room * sizeof(*at));

    if (!at)
        return false;
    set->at = at;
    set->room = room;
    return true;
}

bool names_reserve(struct names *set)
{
    return set->count < set->room || resize(set, set->room ? 2 * set->room : FIRST_ROOM);
}

void names_put(struct names *set, uint32_t place, struct named *item)
{
    memmove(set->at + place + 1, set->at + place, (set->count - place) * sizeof(*set->at));
    set->at[place] = item;
    set->count++;
}

void names_drop(struct names *set, uint32_t place)
{
    set->count--;
    memmove(set->at + place, set->at + place + 1, (set->count - place) * sizeof(*set->at));
    if (set->count == 0)
        names_free(set);
    else if (set->count < set->room / 4)
        resize(set, set->room / 2);     /* if that fails, the old array serves on */
}

bool names_copy(struct names *to, const struct names *from)
{
    *to = (struct names){ 0 };
    if (from->count == 0)
        return true;
    if (!resize(to, from->count))
        return false;
    memcpy(to->at, from->at, from->count * sizeof(*to->at));
    to->count = from->count;
    return true;
}

void names_free(struct names *set)
{
    free(set->at);
    *set = (struct names){ 0 };
}
