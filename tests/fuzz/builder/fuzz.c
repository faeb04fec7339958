/* SPDX-License-Identifier: MIT */
/*
 * The fuzzer of the domain builder: kernels cut short or altered at random go the whole way from the file to
 * a domain's memory and page tables, with the builder's own files under sanitizers. Each must end with a
 * loaded kernel or with one line that says why not, in bounded time and memory, and leave nothing behind.
 *
 *     builder-fuzz ROUNDS SEED LARGE_EVERY FILE...
 *
 * Round n of seed s is round 0 of seed s+n, so that a failure is seen again by itself. Files above LARGE
 * bytes take seconds each, so only one round in LARGE_EVERY uses them.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "../../../toolstack/build/kernel.h"
#include "../../../toolstack/build/layout.h"
#include "../../../toolstack/tests/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

#define LARGE (4u << 20)
#define SMALL_MEMORY (16u << 20)
#define LARGE_MEMORY (160u << 20)
/* Enough for the slowest sound kernel under sanitizers on a busy machine, and no more. */
#define ROUND_SECONDS 120
#define DOMAIN "fuzzed"

static const struct input *current;
static unsigned long current_seed;
static uint8_t *arena;              /* the domain's memory; frames are page numbers in it */
static uint64_t arena_pages;
static unsigned mapped, allocations_left;

/* The sanitizers' own limits: what the builder may take at most is a dictionary and its buffers. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "hard_rss_limit_mb=1200:max_allocation_size_mb=200:allocator_may_return_null=1";
}

static void say_where(void)
{
    fprintf(stderr, "# round of seed %lu, from %s\n", current_seed, current ? current->path : "nothing");
}

static void on_alarm(int signal)
{
    say_where();
    fprintf(stderr, "# not over within %d seconds (signal %d)\n", ROUND_SECONDS, signal);
    _exit(1);
}

/* -- What the builder stands on -------------------------------------------------------------------------- */

void port_yield(void)
{
}

void *port_map_foreign(domid_t domid, const xen_pfn_t *mfns, size_t count)
{
    (void)domid;
    for (size_t i = 0; i < count; i++)
        if (mfns[i] >= arena_pages || mfns[i] != mfns[0] + i)
            abort();
    mapped += count;
    return arena + mfns[0] * PORT_PAGE_SIZE;
}

void port_unmap_foreign(void *address, size_t count)
{
    (void)address;
    mapped -= count;
}

/* In some rounds the nth allocation fails. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool allocation_fails(void)
{
    return allocations_left && --allocations_left == 0;
}

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(old, size);
}

/* -- One round ------------------------------------------------------------------------------------------- */

/* Lay out the loaded kernel and make all its page tables. */
static int lay_out(const struct elf_image *image, const struct guest_memory *memory, uint64_t ramdisk,
                   struct tn_error *err)
{
    struct boot_layout layout;
    uint64_t entries[512];

    if (boot_layout_plan(&layout, image, memory->frames.nr_pages, ramdisk, DOMAIN, err) < 0)
        return -1;
    for (unsigned i = 0; i < layout.nr_tables; i++)
        boot_layout_fill(&layout, i, &memory->frames, entries);
    boot_layout_free(&layout);
    return 0;
}

static int build(const char *path, uint64_t bytes, uint64_t ramdisk, struct tn_error *err)
{
    struct guest_memory memory = { .domid = 1, .domain = DOMAIN };
    struct kernel kernel;
    int status = -1;

    if (kernel_open(&kernel, path, DOMAIN, bytes, err) < 0)
        return -1;
    if (!frame_map_init(&memory.frames, bytes / PORT_PAGE_SIZE)) {
        tn_fail(err, "domain " DOMAIN ": no memory left for its frames");
    } else {
        for (uint64_t pfn = 0; pfn < memory.frames.nr_pages; pfn += FRAME_RUN)
            frame_map_set(&memory.frames, pfn, pfn, FRAME_RUN);
        status = kernel_load(&kernel, &memory, err);
        guest_unmap(&memory);
        if (status == 0)
            status = lay_out(&kernel.image, &memory, ramdisk, err);
        frame_map_free(&memory.frames);
    }
    kernel_close(&kernel);
    return status;
}

/* The line names the kernel or the domain, and is one. */
static bool good_line(const char *line, const char *path)
{
    return line[0] && !strchr(line, '\n') && (strstr(line, path) || strstr(line, DOMAIN));
}

struct results {
    unsigned loaded, refused, bad_lines, left_mapped;
};

static void run_round(const struct input *inputs, unsigned count, unsigned large_every,
                      struct results *results)
{
    struct image image;
    struct tn_error err = { "" };
    char path[32];
    int file, status;

    srandom(current_seed);
    current = pick_input(inputs, count, LARGE, random() % large_every == 0);
    image = altered(current);
    file = memfd_create("image", 0);
    if (file < 0 || write(file, image.bytes, image.size) != (ssize_t)image.size)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    alarm(ROUND_SECONDS);
    allocations_left = random() % 20 ? 0 : 1 + random() % 40;
    status = build(path, current->size > LARGE ? LARGE_MEMORY : SMALL_MEMORY, random() % 2 ? 0 :
                   random() % (8 << 20),
                   &err);
    allocations_left = 0;
    alarm(0);
    results->loaded += status == 0;
    results->refused += status < 0;
    if (status < 0 && !good_line(err.text, path)) {
        say_where();
        fprintf(stderr, "# line: %s\n", err.text);
        results->bad_lines++;
    }
    results->left_mapped += mapped;
    mapped = 0;
    close(file);
    free(image.bytes);
}

static struct input read_input(const char *path)
{
    struct input input = { .path = path };
    FILE *file = fopen(path, "r");

    if (!file) {
        perror(path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    input.size = ftell(file);
    rewind(file);
    input.bytes = malloc(input.size);
    if (fread(input.bytes, 1, input.size, file) != input.size)
        abort();
    fclose(file);
    return input;
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 4 ? strtoul(argv[1], NULL, 0) : 0, seed, large_every;
    unsigned count = argc > 4 ? argc - 4 : 0;
    struct input *inputs = calloc(count ? count : 1, sizeof(*inputs));
    struct results results = { 0 };

    if (!rounds) {
        fprintf(stderr, "usage: %s ROUNDS SEED LARGE_EVERY FILE...\n", argv[0]);
        return 2;
    }
    seed = strtoul(argv[2], NULL, 0);
    large_every = strtoul(argv[3], NULL, 0);
    for (unsigned i = 0; i < count; i++)
        inputs[i] = read_input(argv[4 + i]);
    arena_pages = LARGE_MEMORY / PORT_PAGE_SIZE;
    arena = mmap(NULL, LARGE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    __sanitizer_set_death_callback(say_where);
    signal(SIGALRM, on_alarm);
    for (unsigned long round = 0; round < rounds; round++) {
        current_seed = seed + round;
        run_round(inputs, count, large_every ? large_every : 1, &results);
    }
    ok(results.loaded + results.refused == rounds, "%lu altered kernels from seed %lu on: %u loaded, %u"
       " refused",
       rounds, seed, results.loaded, results.refused);
    ok(results.loaded && results.refused, "some of each");
    ok(!results.bad_lines, "each refusal is one line that names the kernel or the domain");
    ok(!results.left_mapped, "no frame stays mapped");
    for (unsigned i = 0; i < count; i++)
        free(inputs[i].bytes);
    free(inputs);
    ok(!__lsan_do_recoverable_leak_check(), "no memory is lost");
    return tap_done();
}
