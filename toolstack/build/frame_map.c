/* SPDX-License-Identifier: MIT */
/*
 * From a domain's pages to machine frames.
 */
#include "frame_map.h"

#include <stdlib.h>

static uint64_t nr_runs(const struct frame_map *map)
{
    return (map->nr_pages + FRAME_RUN - 1) / FRAME_RUN;
}

bool frame_map_init(struct frame_map *map, uint64_t nr_pages)
{
    map->nr_pages = nr_pages;
    map->runs = calloc(nr_runs(map), sizeof(map->runs[0]));
    return map->runs != NULL;
}

void frame_map_free(struct frame_map *map)
{
    for (uint64_t i = 0; map->runs && i < nr_runs(map); i++)
        free(map->runs[i].each);
    free(map->runs);
    map->runs = NULL;
}

bool frame_map_set(struct frame_map *map, uint64_t pfn, uint64_t mfn, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct frame_run *run = &map->runs[(pfn + i) / FRAME_RUN];
        unsigned slot = (pfn + i) % FRAME_RUN;

        if (slot == 0 && count - i >= FRAME_RUN && !run->each) {
            run->first = mfn + i;
            i += FRAME_RUN - 1;
            continue;
        }
        if (!run->each)
            run->each = calloc(FRAME_RUN, sizeof(run->each[0]));
        if (!run->each)
            return false;
        run->each[slot] = mfn + i;
    }
    return true;
}

void frame_map_list(const struct frame_map *map, uint64_t index, uint64_t *list)
{
    for (unsigned i = 0; i < FRAME_RUN; i++) {
        uint64_t pfn = index * FRAME_RUN + i;

        list[i] = pfn < map->nr_pages ? frame_of(map, pfn) : 0;
    }
}
