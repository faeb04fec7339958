/* SPDX-License-Identifier: MIT */
/*
 * The kernel's files that need no hypervisor, as they are, on the development host under
 * sanitizers: the RAM disk's parser with damaged archives, the console ring with a hostile other side, the
 * allocator of address ranges against a plain list, the formatter against the host's, the word splitter.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/console.h>

#include <minios/event.h>
#include <minios/kernel.h>
#include <minios/mm.h>
#include <minios/ramdisk.h>

#include "../../kernel/internal.h"

/* What the files under test call. */

static struct start_info fake_start_info = { .console.domU = { .mfn = 1, .evtchn = 1 } };
struct start_info *start_info = &fake_start_info;
struct shared_info *shared_info;
static struct xencons_interface *ring_page;

void kernel_panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    abort();
}

void *alloc_page(void)
{
    return malloc(PAGE_SIZE);
}

void console_write_poll(const char *data, size_t len)
{
    (void)data;
    (void)len;
}

void *map_frames(const xen_pfn_t *mfns, size_t n, domid_t owner, enum map_prot prot, int *errs)
{
    (void)mfns, (void)n, (void)owner, (void)prot, (void)errs;
    return ring_page;
}

int event_send(evtchn_port_t port)
{
    return (int)port * 0;
}

int event_attach(evtchn_port_t port, event_handler_fn *handler, void *data)
{
    (void)port, (void)handler, (void)data;
    return 0;
}

void console_input_arrived(void)
{
}

void console_output_drained(void)
{
}

/* Checks. */

static unsigned int checks, failed;

static void check(bool good, const char *text)
{
    checks++;
    failed += !good;
    printf("%sok %u - %s\n", good ? "" : "not ", checks, text);
}

static uint64_t seed = 88172645463325252ULL;

static uint64_t rnd(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return below ? seed % below : seed;
}

static size_t add_member(char *at, const char *name, const char *data, unsigned int mode)
{
    unsigned int fields[13] = { 1, mode, 0, 0, 1, 77, (unsigned int)strlen(data) };
    size_t len = (size_t)sprintf(at, "070701");

    fields[11] = (unsigned int)strlen(name) + 1;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        len += (size_t)sprintf(at + len, "%08x", fields[i]);
    }

    len += (size_t)sprintf(at + len, "%s", name) + 1;
    for (; len % 4; len++) {
        at[len] = 0;
    }
    len += (size_t)sprintf(at + len, "%s", data);
    for (; len % 4; len++) {
        at[len] = 0;
    }
    return len;
}

static size_t make_archive(char *at)
{
    size_t len = add_member(at, ".", "", 040755);

    len += add_member(at + len, "./dir/one.txt", "first", 0100644);
    len += add_member(at + len, "dir//two", "second file", 0100644);
    return len + add_member(at + len, "TRAILER!!!", "", 0);
}

static void test_ramdisk(void)
{
    char archive[2048];
    size_t len = make_archive(archive);
    const struct ramdisk_file *file;

    ramdisk_init(archive, len);
    file = ramdisk_find("/dir/two");
    check(file && file->size == 11 && !memcmp(file->data, "second file", 11) && file->mtime == 77,
          "a file is found");
    check(ramdisk_find("dir/./one.txt") && ramdisk_is_dir("/dir") && ramdisk_is_dir("") &&
          !ramdisk_is_dir("/di"), "paths are normalised, directories implied");

    for (unsigned int i = 0; i < 20000; i++) {
        size_t size = i % 3 ? len : rnd(len + 1);
        char *copy = malloc(size);

        memcpy(copy, archive, size);
        for (uint64_t n = rnd(4); size && n > 0; n--) {
            copy[rnd(size)] = (char)rnd(256);
        }
        ramdisk_init(copy, size);
        for (size_t f = 0; (file = ramdisk_file_at(f)); f++) {
            /* Only files of this archive: the earlier ones' memory is gone. */
            if ((const char *)file->data >= copy && (const char *)file->data <= copy + size &&
                file->size > (size_t)(copy + size - (const char *)file->data)) {
                check(false, "a file reaches beyond its archive");
                return;
            }
            if (f > 200) {
                break;
            }
        }
        free(copy);
    }
    check(true, "20000 damaged archives are survived");
}

static void test_ring(void)
{
    char data[3000];
    bool bounded = true;

    ring_page = calloc(1, sizeof(*ring_page));
    check(!console_ring_init(), "the ring is set up");
    check(console_ring.put("hello", 5) == 5 && ring_page->out_prod == 5 &&
          !memcmp(ring_page->out, "hello", 5),
          "output goes to the ring");
    memcpy(ring_page->in, "typed", 5);
    ring_page->in_prod = 5;
    check(console_ring.ready() && console_ring.get(data, 3) == 3 && console_ring.get(data, 10) == 2 &&
          !console_ring.ready(), "input comes from it");
    memset(data, 'x', sizeof(data));
    check(console_ring.put(data, sizeof(data)) == sizeof(ring_page->out) - 5 && !console_ring.put(data, 1),
          "a full ring takes no more");
    for (unsigned int i = 0; i < 200000; i++) {
        ring_page->in_prod = (XENCONS_RING_IDX)rnd(0) >> rnd(32);
        ring_page->in_cons = (XENCONS_RING_IDX)rnd(0) >> rnd(32);
        ring_page->out_prod = (XENCONS_RING_IDX)rnd(0) >> rnd(32);
        ring_page->out_cons = (XENCONS_RING_IDX)rnd(0) >> rnd(32);
        bounded = bounded && console_ring.get(data, sizeof(data)) <= sizeof(ring_page->in) &&
                  console_ring.put(data, sizeof(data)) <= sizeof(ring_page->out);
    }
    check(bounded, "200000 random sets of indices do no harm");
    free(ring_page);
}

#define LIVE 300

static void test_ranges(void)
{
    struct {
        uintptr_t va;
        size_t pages;
    } live[LIVE] = { 0 };
    uintptr_t start;
    bool good = true;

    for (unsigned int op = 0; op < 200000 && good; op++) {
        size_t i = rnd(LIVE);

        if (live[i].va) {
            range_free(live[i].va, live[i].pages);
            live[i].va = 0;
            continue;
        }
        live[i].pages = 1 + rnd(20);
        live[i].va = range_alloc(live[i].pages);
        good = live[i].va > MAP_START && live[i].va < MAP_END;
        for (size_t j = 0; j < LIVE; j++) {
            /* With a guard page behind each. */
            if (j != i && live[j].va && live[i].va < live[j].va + (live[j].pages + 1) * PAGE_SIZE &&
                live[j].va < live[i].va + (live[i].pages + 1) * PAGE_SIZE) {
                good = false;
            }
        }
    }
    check(good, "200000 allocations and releases of address ranges: none overlap");
    for (size_t i = 0; i < LIVE; i++) {
        if (live[i].va) {
            range_free(live[i].va, live[i].pages);
        }
    }
    start = range_alloc((MAP_END - MAP_START) / PAGE_SIZE - 2);
    check(start == MAP_START + PAGE_SIZE, "afterwards the whole region is one range again");
    check(!range_alloc(1) && !range_alloc(0) && !range_alloc(~0UL),
          "a region that is full, or a silly size, gives nothing");
}

static void test_formatter(void)
{
    static const char *const formats[] = { "%d", "%5d|", "%05d|", "%u", "%x", "%08x", "%3x" };
    bool same = true;

    for (unsigned int i = 0; i < 100000; i++) {
        const char *format = formats[rnd(ARRAY_SIZE(formats))];
        char own[64], host[64];
        size_t size = 1 + rnd(sizeof(own));
        int value = (int)rnd(0) >> rnd(32);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        same = same && ksnprintf(own, size, format, value) == snprintf(host, size, format, value) &&
               !strcmp(own, host);
#pragma GCC diagnostic pop
    }
    check(same, "100000 numbers are printed as the host prints them");
}

static void test_words(void)
{
    char line[] = "  once \"two words\" a\"b c\"d  \"\" last\t", *argv[8];

    check(split_words(line, argv, 8) == 5 && !strcmp(argv[0], "once") && !strcmp(argv[1], "two words") &&
          !strcmp(argv[2], "ab cd") && !strcmp(argv[3], "") && !strcmp(argv[4], "last") && !argv[5],
          "words, quoted and not");
    strcpy(line, "a b c d \"e");
    check(split_words(line, argv, 3) == 2 && !argv[2], "too many are dropped");
    strcpy(line, "\"open");
    check(split_words(line, argv, 8) == 1 && !strcmp(argv[0], "open"), "a quote without its mate");
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    test_ramdisk();
    test_ring();
    test_ranges();
    test_formatter();
    test_words();
    printf("1..%u\n", checks);
    return failed != 0;
}
