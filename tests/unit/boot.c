/* SPDX-License-Identifier: MIT */
/*
 * What boot/ gets from the boot loader, from the hypervisor's own files: both multiboot formats, the memory
 * map, the command line. Each first as it should be, then damaged: every truncation, then random changes.
 */
#include "fake/physical.h"

#include "boot/multiboot.h"
#include "boot/options.c"

/* --- the memory map --- */

static bool map_is(unsigned int n, const struct mem_range *want)
{
    bool same = boot_memory.nr_map == n;

    for (unsigned int i = 0; same && i < n; i++)
        same = boot_memory.map[i].start == want[i].start && boot_memory.map[i].end == want[i].end &&
               boot_memory.map[i].type == want[i].type;
    for (unsigned int i = 0; !same && i < boot_memory.nr_map; i++)
        printf("# %#lx-%#lx %u\n", (unsigned long)boot_memory.map[i].start, (unsigned long)boot_memory.map[i].end,
               boot_memory.map[i].type);
    return same;
}

/* The raw map only grows, so there is one in a run; what it covers is chosen with care. */
static void test_map(void)
{
    static const struct mem_range want[] = {
        { 0, 0x9f000, 1 }, { 0x9f000, 0xa0000, 2 }, { MB(1), MB(16), 1 }, { MB(16), MB(17), 5 }, { MB(17), MB(64), 1 },
        { MB(64), MB(65), 3 }, { GB(1024) * 4 - MB(1), GB(1024) * 4, 1 }, { UINT64_MAX & PAGE_MASK & ~0xfffUL, 0, 0 },
    };
    u64 low;

    memory_map_add(MB(16), MB(48), 1);
    memory_map_add(0, 0x9fc00, 1);              /* its last page is not whole */
    memory_map_add(0x9fc00, 0x400, 2);
    memory_map_add(MB(1), MB(20), 1);           /* overlaps, of one type */
    memory_map_add(MB(16) + 1, MB(1) - 2, 5);   /* inside of RAM; outwards to pages */
    memory_map_add(MB(64), MB(1), 3);
    memory_map_add(MB(80), 0, 1);               /* empty */
    memory_map_add(MB(80) + 1, PAGE_SIZE, 1);   /* not a whole page */
    memory_map_add(GB(1024) * 4 - MB(1), MB(2), 1);     /* more than is supported */
    warnings = 0;
    memory_map_sanitize();
    ok(map_is(7, want) && warnings == 1, "sorted, merged, the worse type wins, whole pages, up to 4 TiB with a warning");
    ok(memory_total() == 0x9f000 + MB(15) + MB(47) + MB(1), "memory_total() is the RAM");

    memory_reserve(0, PAGE_SIZE);
    memory_reserve(0x9e000, 0x9f000);
    memory_reserve(MB(2) + 5, MB(3) - 5);
    memory_reserve(MB(4), MB(5));
    memory_reserve(MB(3), MB(4));               /* joins its neighbours */
    memory_reserve(MB(6), MB(6));               /* empty */
    ok(boot_memory.nr_reserved == 3 && boot_memory.reserved[2].start == MB(2) && boot_memory.reserved[2].end == MB(5),
       "reserved ranges are merged");
    memory_reserve(PAGE_SIZE, MB(1));
    ok(boot_memory.nr_reserved == 2 && boot_memory.reserved[0].end == MB(1), "and swallow smaller ones");
    ok(memory_take_low_page() == 0, "no low page where all is taken");
    boot_memory.nr_reserved = 0;
    memory_reserve(0, PAGE_SIZE);
    memory_reserve(0x9e000, 0x9f000);
    low = memory_take_low_page();
    ok(low == 0x9d000, "the highest free low page");
    ok(memory_take_low_page() == 0x9c000, "is reserved then");

    for (unsigned int i = 0; i < 2 * MEM_RANGES_MAX; i++)
        memory_map_add(GB(1) + i * MB(2), MB(1), 1);
    warnings = 0;
    memory_map_sanitize();
    ok(boot_info.map_overflow && boot_memory.nr_map <= MEM_RANGES_MAX && warnings == 2, "too many ranges: a warning");
    expecting = true;
    if (setjmp(back) == 0) {
        for (unsigned int i = 0; i <= MEM_RANGES_MAX; i++)
            memory_reserve(GB(8) + i * MB(2), GB(8) + i * MB(2) + MB(1));
        ok(false, "too many reserved ranges must panic");
    } else {
        ok(strstr(message, "fewer modules"), "too many reserved ranges: %s", message);
    }
    expecting = false;
}

/* --- the command line --- */

static bool flag;
static unsigned int number;
static char word[8];

static const struct option test_options[] __attribute__((used)) = {
    { "flag", option_parse_bool, &flag, 0 },
    { "number", option_parse_uint, &number, 0 },
    { "word", option_parse_text, word, sizeof(word) },
};
_Static_assert(sizeof(test_options) == 96, "the assembly below");
__asm__(".globl options_start, options_end\n"
        ".set options_start, test_options\n"
        ".set options_end, test_options + 96\n");

static void test_cmdline(void)
{
    char long_word[600];

    warnings = 0;
    cmdline_parse("  flag number=12 word=abc ");
    ok(flag && number == 12 && !strcmp(word, "abc") && !warnings, "names and values");
    cmdline_parse("no-flag -- number=99 nonsense");
    ok(!flag && number == 12 && !warnings, "no-NAME; what follows -- is Domain-0's");
    cmdline_parse("nonsense");
    ok(warnings == 1 && strstr(message, "nonsense: unknown"), "an unknown option: %s", message);
    warnings = 0;
    cmdline_parse("number=x no-number=1 fla flag2 word=muchtoolong -");
    ok(warnings == 6 && number == 12, "wrong values and names, each told");
    memset(long_word, 'a', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = '\0';
    warnings = 0;
    cmdline_parse(long_word);
    ok(warnings == 1 && strstr(message, "aaa: unknown") && strlen(message) < 120, "a word of 600 letters, told in short");
    for (unsigned int i = 0; i < 20000; i++) {
        char line[64];

        for (unsigned int j = 0; j < sizeof(line) - 1; j++)
            line[j] = " =-nofumbrwd12"[random64() % 14];
        line[sizeof(line) - 1] = '\0';
        cmdline_parse(line);
    }
    ok(true, "random lines");
}

static bool dom0_mem(const char *value)
{
    dom0_memory = (struct dom0_memory){ .mem.set = false };
    return option_dom0_memory.parse(&option_dom0_memory, value);
}

static bool vcpus(const char *value, unsigned int least, unsigned int most)
{
    return option_dom0_vcpus.parse(&option_dom0_vcpus, value) &&
           dom0_vcpus.min == least && dom0_vcpus.max == most;
}

static void test_dom0_options(void)
{
    ok(dom0_mem("64M") && memory_amount_bytes(&dom0_memory.mem, GB(1)) == MB(64), "dom0_mem=64M");
    ok(dom0_mem("-64M") && memory_amount_bytes(&dom0_memory.mem, GB(1)) == GB(1) - MB(64), "dom0_mem=-64M");
    ok(dom0_mem("-2G") && memory_amount_bytes(&dom0_memory.mem, GB(1)) == 0, "more than there is, less");
    ok(dom0_mem("25%+1M") && memory_amount_bytes(&dom0_memory.mem, GB(1)) == MB(257), "dom0_mem=25%%+1M");
    ok(dom0_mem("min:32M,max:1G,128M") && dom0_memory.min.bytes == MB(32) && dom0_memory.max.bytes == GB(1) &&
       dom0_memory.mem.bytes == MB(128), "min: and max:");
    ok(!dom0_mem("") && !dom0_mem("x") && !dom0_mem("101%") && !dom0_mem("5%6") && !dom0_mem("64M,y") && !dom0_mem("M") &&
       !dom0_mem("64M;1M") && !dom0_mem("5%-6") && !dom0_mem("min:"),
       "nonsense is refused");
    ok(vcpus("4", 4, 4) && vcpus("2-6", 2, 6) && vcpus("3-", 3, ~0u) && vcpus("-5", 1, 5),
       "dom0_max_vcpus= and its ranges");
    ok(!vcpus("", 0, 0) && !vcpus("0", 0, 0) && !vcpus("6-2", 0, 0) && !vcpus("x", 0, 0) &&
       !vcpus("4x", 0, 0) && !vcpus("-", 0, 0) && !vcpus("-x", 0, 0) && !vcpus("4-x", 0, 0) && dom0_vcpus.max == 5, "nonsense changes nothing");
}

/* --- multiboot --- */

static void start_info(void)
{
    memset(&boot_info, 0, sizeof(boot_info));
}

/* Copies size bytes to the very end of memory; their address. */
static u32 place_at_end(const void *from, size_t size)
{
    u64 address = (PHYS_SIZE - size) & ~7UL;

    memset(phys(address), 0, PHYS_SIZE - address);
    memcpy(phys(address), from, size);
    return (u32)address;
}

static void test_multiboot1(void)
{
    struct mb1_info *info = (struct mb1_info *)phys(0x1000);
    struct mb1_module *mods = (struct mb1_module *)phys(0x2000);
    struct { struct mb1_map_entry e; } *map = (void *)phys(0x3000);

    memset(phys(0), 0, PHYS_SIZE);
    *info = (struct mb1_info){ .flags = MB1_HAS_CMDLINE | MB1_HAS_MODULES | MB1_HAS_MAP | MB1_HAS_LOADER_NAME,
                               .cmdline = 0x4000, .mods_count = 2, .mods_addr = 0x2000, .mmap_addr = 0x3000,
                               .mmap_length = 2 * sizeof(map[0]), .loader_name = 0x5000 };
    strcpy((char *)phys(0x4000), "/boot/tenon flag=yes number=5");
    strcpy((char *)phys(0x5000), "qemu");
    strcpy((char *)phys(0x6000), "dom0 root=/dev/x");
    mods[0] = (struct mb1_module){ 0x10000, 0x20000, 0x6000, 0 };
    mods[1] = (struct mb1_module){ 0x20000, 0x30000, 0, 0 };
    map[0].e = (struct mb1_map_entry){ 20, 0, 0x9f000, 1 };
    map[1].e = (struct mb1_map_entry){ 20, MB(1), MB(1), 1 };
    start_info();
    boot_info_parse(MB1_LOADER_MAGIC, 0x1000);
    ok(!strcmp(boot_info.loader_name, "qemu") && !strcmp(boot_info.cmdline, "flag=yes number=5"),
       "multiboot 1: loader, and the command line without the file's name");
    ok(boot_info.nr_modules == 2 && !strcmp(boot_info.module[0].cmdline, "root=/dev/x") && !*boot_info.module[1].cmdline &&
       boot_info.module[1].end == 0x30000, "modules, one without a line");
    ok(boot_info.text_screen && boot_info.loader_info.start == 0x1000, "the screen is the BIOS's");

    info->mods_count = MODULES_MAX + 3;
    for (unsigned int i = 0; i < MODULES_MAX + 3; i++)
        mods[i] = mods[0];
    start_info();
    boot_info_parse(MB1_LOADER_MAGIC, 0x1000);
    ok(boot_info.nr_modules == MODULES_MAX && boot_info.nr_modules_ignored == 3, "modules that are too many are counted");

    info->mods_count = 1;
    map[0].e.size = 0xfffffffc;     /* in 32 bits the next entry would be this one again */
    start_info();
    boot_info_parse(MB1_LOADER_MAGIC, 0x1000);
    ok(boot_info.nr_modules == 1, "an entry of nearly 4 GiB is the last");
    expecting = true;
    map[0].e.size = 4;
    if (setjmp(back) == 0) {
        start_info();
        boot_info_parse(MB1_LOADER_MAGIC, 0x1000);
        ok(false, "an entry that is too small must panic");
    } else {
        ok(strstr(message, "damaged"), "an entry that is too small: %s", message);
    }
    info->flags &= ~MB1_HAS_MAP;
    if (setjmp(back) == 0) {
        start_info();
        boot_info_parse(MB1_LOADER_MAGIC, 0x1000);
        ok(false, "no memory map must panic");
    } else {
        ok(strstr(message, "memory map"), "no memory map: %s", message);
    }
    memset(phys(0x6000), 'a', 5000);
    phys(0x6000)[0] = ' ';
    if (setjmp(back) == 0) {
        start_info();
        boot_info_parse(MB1_LOADER_MAGIC, 0x1000);
        ok(false, "module lines without room must panic");
    } else {
        ok(strstr(message, "command lines"), "module lines without room: %s", message);
    }
    expecting = false;
}

static u8 mb2[1024];
static u32 mb2_size;

static void *add_tag(u32 type, u32 size)
{
    struct mb2_tag *tag = (struct mb2_tag *)(mb2 + mb2_size);

    *tag = (struct mb2_tag){ type, size };
    mb2_size += ALIGN_UP(size, 8u);
    return tag;
}

static void make_multiboot2(void)
{
    struct mb2_map_entry *e;
    struct mb2_tag_map *map;
    struct mb2_tag_module *m;

    memset(mb2, 0, sizeof(mb2));
    mb2_size = sizeof(struct mb2_info);
    strcpy((char *)add_tag(MB2_TAG_LOADER_NAME, 8 + 12) + 8, "GRUB 2.06-3");
    strcpy((char *)add_tag(MB2_TAG_CMDLINE, 8 + 7) + 8, "flag=1");
    m = add_tag(MB2_TAG_MODULE, sizeof(*m) + 6);
    m->start = 0x10000, m->end = 0x20000;
    strcpy(m->cmdline, "quiet");
    m = add_tag(MB2_TAG_MODULE, sizeof(*m) + 1);
    m->start = 0x20000, m->end = 0x30000;
    map = add_tag(MB2_TAG_MAP, sizeof(*map) + 2 * sizeof(*e));
    map->entry_size = sizeof(*e);
    e = (struct mb2_map_entry *)(map + 1);
    e[0] = (struct mb2_map_entry){ 0, 0x9f000, 1, 0 };
    e[1] = (struct mb2_map_entry){ MB(1), MB(1), 1, 0 };
    memcpy((char *)add_tag(MB2_TAG_ACPI_OLD, 8 + 20) + 8, "RSD PTR ", 8);
    ((struct mb2_tag_framebuffer *)add_tag(MB2_TAG_FRAMEBUFFER, 32))->type = FRAMEBUFFER_TEXT;
    ((struct mb2_tag_efi64 *)add_tag(MB2_TAG_EFI64, sizeof(struct mb2_tag_efi64)))->system_table = 0x7000;
    {
        struct mb2_tag_map *efi = add_tag(MB2_TAG_EFI_MAP, sizeof(*efi) + 48);
        struct efi_memory_descriptor *d = (struct efi_memory_descriptor *)(efi + 1);

        efi->entry_size = 48;
        *d = (struct efi_memory_descriptor){ .type = 6, .start = MB(1), .pages = 1 };
    }
    add_tag(MB2_TAG_END, 8);
    ((struct mb2_info *)mb2)->total_size = mb2_size;
}

static void test_multiboot2(void)
{
    u32 address;

    make_multiboot2();
    address = place_at_end(mb2, mb2_size);
    start_info();
    boot_info_parse(MB2_LOADER_MAGIC, address);
    ok(!strcmp(boot_info.loader_name, "GRUB 2.06-3") && !strcmp(boot_info.cmdline, "flag=1"),
       "multiboot 2: loader and command line");
    ok(boot_info.nr_modules == 2 && !strcmp(boot_info.module[0].cmdline, "quiet") && boot_info.module[1].start == 0x20000,
       "modules");
    ok(boot_info.text_screen && boot_info.efi_system_table == 0x7000 && !memcmp(phys(boot_info.rsdp_copy), "RSD PTR ", 8),
       "screen, EFI, RSDP");

    /* Cut anywhere, at the end of memory: reading beyond it would be a fault. */
    expecting = true;
    for (volatile u32 size = sizeof(struct mb2_info); size < mb2_size; size++) {
        ((struct mb2_info *)mb2)->total_size = size;
        address = place_at_end(mb2, size);
        start_info();
        if (setjmp(back) == 0)
            boot_info_parse(MB2_LOADER_MAGIC, address);
    }
    ok(true, "cut after any byte");
    for (volatile unsigned int i = 0; i < 30000; i++) {
        make_multiboot2();
        for (unsigned int j = random64() % 6; j-- > 0;)
            mb2[sizeof(struct mb2_info) + random64() % (mb2_size - sizeof(struct mb2_info))] = (u8)random64();
        address = place_at_end(mb2, mb2_size);
        start_info();
        if (setjmp(back) == 0)
            boot_info_parse(MB2_LOADER_MAGIC, address);
    }
    expecting = false;
    ok(true, "30000 times with random bytes changed");
}

int main(void)
{
    memory_open();
    test_map();
    test_cmdline();
    test_dom0_options();
    test_multiboot1();
    test_multiboot2();
    return done_testing();
}
