/* SPDX-License-Identifier: MIT */
/* Pages, mappings, guards, the heap. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <minios/mm.h>

#include "../../kernel/internal.h"
#include "check.h"

#define MAX_PAGES 20000

struct stamped {
    struct stamped *next;
    uint64_t stamp;
};

/* Take all pages (up to a limit), write a different value into each, read them back, return them. */
static void drain_pages(void)
{
    size_t before = mm_free_pages(), n = 0, good = 0;
    struct stamped *all = NULL, *page;

    while (n < MAX_PAGES && (page = alloc_page())) {
        page->next = all;
        page->stamp = (uintptr_t)page ^ 0x5a5a5a5a;
        all = page;
        n++;
    }
    check(n == MAX_PAGES || before - n < 32, "%zu pages of %zu free ones were handed out", n, before);
    while ((page = all)) {
        all = page->next;
        good += page->stamp == ((uintptr_t)page ^ 0x5a5a5a5a);
        free_page(page);
    }
    check(good == n, "%zu of %zu pages kept what was written to them", good, n);
    check(before <= mm_free_pages() + n / 512 + 4,
          "pages came back, but for page tables: %zu before, %zu after", before, mm_free_pages());
}

static bool readable(const void *va)
{
    uint64_t value;

    return probe_read(va, &value);
}

static void test_mappings(void)
{
    uint64_t *page = alloc_zeroed_page(), *view;
    xen_pfn_t mfns[130];
    int errs[130];
    size_t before;

    mfns[0] = virt_to_mfn(page);
    view = map_frames(mfns, 1, DOMID_SELF, MAP_RW, NULL);
    check(view && view != page && virt_to_mfn(view) == mfns[0], "a frame maps a second time");
    *view = 0x1234;
    check(*page == 0x1234, "both views show the same frame");
    check(mfn_to_virt(mfns[0]) == page, "mfn_to_virt finds the direct map's view");
    unmap_frames(view, 1);
    check(!readable(view), "an unmapped view faults");

    for (size_t i = 0; i < ARRAY_SIZE(mfns); i++) {
        mfns[i] = virt_to_mfn(page);
    }
    view = map_frames(mfns, ARRAY_SIZE(mfns), DOMID_SELF, MAP_RO, NULL);
    check(view && view[129 * 512] == 0x1234, "130 mappings in a row, read-only");
    before = mm_free_pages();
    unmap_frames(view, ARRAY_SIZE(mfns));

    mfns[3] = mfns[70] = 0xffffffffffUL;
    errno = 0;
    check(!map_frames(mfns, ARRAY_SIZE(mfns), DOMID_SELF, MAP_RW, NULL) && errno == EINVAL,
          "a frame that does not exist is refused as a whole");
    view = map_frames(mfns, ARRAY_SIZE(mfns), DOMID_SELF, MAP_RW, errs);
    check(view && errs[3] == -EINVAL && errs[70] == -EINVAL && !errs[2] && !errs[4] && !errs[69] &&
          !errs[129], "or one by one: %d %d", errs[3], errs[70]);
    check(view && readable(view + 2 * 512) && !readable(view + 3 * 512) && readable(view + 129 * 512),
          "with holes where they were refused");
    unmap_frames(view, ARRAY_SIZE(mfns));
    check(mm_free_pages() == before, "and nothing lost");
    check(!mfn_to_virt(0xffffffffffUL) && !mfn_to_virt(0xfffffUL << 20), "mfn_to_virt refuses nonsense");
    free_page(page);
}

static void test_protection(void)
{
    char *stack = mm_alloc_guarded(3);
    size_t before;

    check(!readable((void *)8), "the null page faults");
    check(!readable((void *)0x8000000000000000UL), "a non-canonical address faults and is survived");
    check(virt_to_mfn(NULL) == INVALID_MFN, "virt_to_mfn of nothing is INVALID_MFN");
    check(stack && readable(stack) && readable(stack + 3 * PAGE_SIZE - 8), "guarded pages are there");
    check(!readable(stack - 8) && !readable(stack + 3 * PAGE_SIZE), "with guards on both sides");
    mm_free_guarded(stack, 3);
    before = mm_free_pages();
    for (int i = 0; i < 1000; i++) {
        mm_free_guarded(mm_alloc_guarded(1 + i % 7), 1 + i % 7);
    }
    check(mm_free_pages() == before, "a thousand of them leave nothing behind");
}

static void test_heap(void)
{
    size_t before, n = 0, size = 100000;
    void **all = NULL, **block;

    free(malloc(size));
    before = mm_free_pages();
    while (n < 1000 && (block = malloc(size))) {
        memset(block, (int)n, size);
        *block = all;
        all = block;
        n++;
    }
    check(n == 1000 || mm_free_pages() < 64,
          "malloc gave %zu blocks of %zu bytes until memory ended (%zu pages left)", n, size,
          mm_free_pages());
    while ((block = all)) {
        all = *block;
        free(block);
    }
    check(before < mm_free_pages() + 200, "and gave the pages back: %zu free before, %zu after", before,
          mm_free_pages());
    check(!malloc((size_t)1 << 46), "a request for more than there is fails");
}

void test_memory(void)
{
    check(mm_total_pages() > 0 && mm_free_pages() < mm_total_pages(), "%zu pages, %zu free", mm_total_pages(),
          mm_free_pages());
    drain_pages();
    test_mappings();
    test_protection();
    test_heap();
}
