/* SPDX-License-Identifier: MIT */
/*
 * Which machine frame each page of a domain has. Memory mostly comes in superpages, so a run of 512 pages
 * takes one number where its frames are contiguous and a list where they are not: 128 KB for a domain of 16
 * GB, 4 MB for one of 512 GB.
 */
#ifndef TOOLSTACK_FRAME_MAP_H
#define TOOLSTACK_FRAME_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_RUN 512u

struct frame_run {
    uint64_t first;     /* frame of the run's first page, where there is no list */
    uint64_t *each;     /* or one a page */
};

struct frame_map {
    uint64_t nr_pages;
    struct frame_run *runs;
};

/* False: no memory left. All pages have frame 0 at first. */
bool frame_map_init(struct frame_map *map, uint64_t nr_pages);
void frame_map_free(struct frame_map *map);

/*
 * Pages pfn.. have frames mfn..; a whole run (pfn a multiple of FRAME_RUN) cannot fail. False: no memory
 * left.
 */
bool frame_map_set(struct frame_map *map, uint64_t pfn, uint64_t mfn, uint64_t count);

static inline uint64_t frame_of(const struct frame_map *map, uint64_t pfn)
{
    const struct frame_run *run = &map->runs[pfn / FRAME_RUN];

    return run->each ? run->each[pfn % FRAME_RUN] : run->first + pfn % FRAME_RUN;
}

/* Page `index` of the P2M list: FRAME_RUN frames, zeroes behind the domain's last page. */
void frame_map_list(const struct frame_map *map, uint64_t index, uint64_t *list);

#endif
