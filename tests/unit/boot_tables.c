/* SPDX-License-Identifier: MIT */
/*
 * The firmware's tables and Domain-0's kernel image, as boot/ reads them, from the hypervisor's own files:
 * the ACPI tables and the ELF image, each first as it should be, then cut and changed in random places.
 */
#include "fake/physical.h"

#include <xen/elfnote.h>

#include "boot/acpi.h"
#include "boot/dom0_elf.h"
#include "cpu/machine.h"

struct boot_info boot_info;


/* --- ACPI --- */

static void checksum(u8 *p, size_t size, unsigned int at)
{
    u8 sum = 0;

    p[at] = 0;
    for (size_t i = 0; i < size; i++)
        sum += p[i];
    p[at] = -sum;
}

static void put(u8 *table, unsigned int at, u64 value, unsigned int n)
{
    memcpy(table + at, &value, n);
}

static void finish_table(u8 *table, const char *name, u32 size)
{
    memcpy(table, name, 4);
    put(table, 4, size, 4);
    checksum(table, size, 9);
}

#define RSDP 0xe0010
#define XSDT 0x110000
#define RSDT 0x110800
#define MADT 0x111000
#define FADT 0x112000
#define DSDT 0x113000
#define MADT_SIZE 140
#define FADT_SIZE 244
#define DSDT_SIZE 64

static const u8 s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x0a, 0x07, 0x00, 0x00 };

static void make_acpi(void)
{
    u8 *t;

    memset(phys(0), 0, PHYS_SIZE);
    t = phys(RSDP);
    memcpy(t, "RSD PTR ", 8);
    t[15] = 2;
    put(t, 16, RSDT, 4);
    put(t, 20, 36, 4);
    put(t, 24, XSDT, 8);
    checksum(t, 20, 8);
    checksum(t, 36, 32);

    put(phys(XSDT), 36, MADT, 8);
    put(phys(XSDT), 44, FADT, 8);
    finish_table(phys(XSDT), "XSDT", 52);
    put(phys(RSDT), 36, MADT, 4);
    finish_table(phys(RSDT), "RSDT", 40);

    t = phys(MADT);
    put(t, 36, 0xfee00000, 4);
    memcpy(t + 44, (u8[]){ 0, 8, 0, 0, 1, 0, 0, 0 }, 8);                        /* CPU with APIC 0 */
    memcpy(t + 52, (u8[]){ 0, 8, 1, 2, 1, 0, 0, 0 }, 8);                        /* CPU with APIC 2 */
    memcpy(t + 60, (u8[]){ 0, 8, 2, 4, 0, 0, 0, 0 }, 8);                        /* not enabled */
    memcpy(t + 68, (u8[]){ 1, 12, 7, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0 }, 12);    /* I/O APIC 7 */
    memcpy(t + 80, (u8[]){ 2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0 }, 10);             /* line 9: level, active low */
    memcpy(t + 90, (u8[]){ 9, 16, 0, 0, 0x44, 1, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0 }, 16); /* x2APIC 0x144 */
    memcpy(t + 106, (u8[]){ 5, 12, 0, 0, 0, 0, 0xe0, 0xfe, 0, 0, 0, 0 }, 12);   /* local APICs at 0xfee00000 */
    memcpy(t + 118, (u8[]){ 4, 6, 0xff, 0, 0, 1 }, 6);                          /* NMI source: not looked at */
    memcpy(t + 124, (u8[]){ 0, 8, 3, 2, 1, 0, 0, 0 }, 8);                       /* APIC 2 again */
    memcpy(t + 132, (u8[]){ 0, 0, 0, 0 }, 4);                                   /* of no length: the end */
    finish_table(t, "APIC", MADT_SIZE);

    t = phys(FADT);
    put(t, 40, DSDT, 4);
    put(t, 48, 0xb2, 4);
    put(t, 52, 0xa0, 1);
    put(t, 64, 0x604, 4);
    put(t, 76, 0x608, 4);
    put(t, 108, 0x32, 1);
    put(t, 112, 1 << 8 | 1 << 10, 4);
    memcpy(t + 116, (u8[]){ 1, 8, 0, 1 }, 4);
    put(t, 120, 0xcf9, 8);
    put(t, 128, 6, 1);
    memcpy(t + 172, (u8[]){ 1, 16, 0, 2 }, 4);
    put(t, 176, 0x1604, 8);
    finish_table(t, "FACP", FADT_SIZE);

    memcpy(phys(DSDT) + 36, s5, sizeof(s5));
    finish_table(phys(DSDT), "DSDT", DSDT_SIZE);
}

static void run_acpi(void)
{
    memset(&machine, 0, sizeof(machine));
    memset(&acpi_power, 0, sizeof(acpi_power));
    acpi_init();
}

static void test_acpi(void)
{
    u8 a = 0, b = 0;

    make_acpi();
    run_acpi();
    ok(machine.has_madt && machine.nr_cpus == 3 && machine.apic_id[1] == 2 &&
       machine.apic_id[2] == 0x144 && machine.acpi_id[2] == 3, "MADT: CPUs, enabled ones, each once");
    ok(machine.nr_ioapics == 1 && machine.ioapic[0].id == 7 && machine.ioapic[0].address == 0xfec00000 &&
       machine.isa[9].gsi == 9 && machine.isa[8].gsi == 8 && !machine.isa[8].level && machine.isa[9].level && machine.isa[9].active_low && machine.lapic_address == 0xfee00000,
       "I/O APIC, override, address");
    ok(acpi_power.pm1a_control == 0x1604 && acpi_power.smi_command == 0xb2 && acpi_power.acpi_enable == 0xa0 &&
       acpi_power.reset_port == 0xcf9 && acpi_power.reset_value == 6 && machine.pm_timer_port == 0x608 &&
       machine.pm_timer_32bit && machine.rtc_century == 0x32, "FADT: ports, the extended before the old");
    ok(acpi_power.can_power_off && acpi_power.sleep_type_a == 5 && acpi_power.sleep_type_b == 7, "_S5_");

    phys(XSDT)[40]++;
    run_acpi();
    ok(machine.has_madt && !acpi_power.can_power_off, "a damaged XSDT: the RSDT is taken");
    phys(RSDP)[20]++;
    run_acpi();
    ok(!machine.has_madt, "a damaged RSDP: no tables");
    make_acpi();
    phys(RSDP)[0] = 'r';
    run_acpi();
    ok(!machine.has_madt, "none: no tables");
    make_acpi();
    memcpy(phys(0x9fc00), phys(RSDP), 36);
    memset(phys(RSDP), 0, 36);
    put(phys(0x40e), 0, 0x9fc0, 2);
    run_acpi();
    ok(machine.has_madt, "the RSDP in the extended BIOS data area");
    memset(phys(0x9fc00), 0, 36);
    make_acpi();
    memcpy(phys(0x50000), phys(RSDP), 36);
    memset(phys(RSDP), 0, 36);
    boot_info.rsdp_copy = 0x50000;
    run_acpi();
    ok(machine.has_madt, "the loader's copy where there is no other");
    boot_info.rsdp_copy = 0;
    make_acpi();
    put(phys(XSDT), 36, 0xfffffff0, 8);
    put(phys(XSDT), 44, 1UL << 40, 8);
    finish_table(phys(XSDT), "XSDT", 52);
    run_acpi();
    ok(!machine.has_madt, "tables beyond reach are not looked at");

    ok(acpi_find_s5(s5, sizeof(s5), &a, &b) && a == 5 && b == 7, "_S5_ in AML");
    for (size_t n = 0; n < sizeof(s5) - 2; n++) {
        u8 *cut = malloc(n);

        memcpy(cut, s5, n);
        if (acpi_find_s5(cut, n, &a, &b))
            ok(false, "_S5_ found in %zu bytes", n);
        free(cut);
    }
    ok(true, "not in any part of it");
}

/* Tables whose contents are changed, with right checksums, so that the parsers see them. */
static void test_acpi_random(void)
{
    static const struct { u32 at, size; const char *name; } tables[] = {
        { XSDT, 52, "XSDT" }, { MADT, MADT_SIZE, "APIC" }, { FADT, FADT_SIZE, "FACP" }, { DSDT, DSDT_SIZE, "DSDT" },
    };
    unsigned int cpus = 0;

    for (unsigned int round = 0; round < 3000; round++) {
        unsigned int which = random64() % ARRAY_SIZE(tables);
        u8 *t = phys(tables[which].at);
        u32 size = tables[which].size;

        make_acpi();
        for (unsigned int n = 1 + random64() % 4; n-- > 0;)
            t[36 + random64() % (size - 36)] = (u8)random64();
        if (which == 0) {
            /* Pointers into the memory that is there, or far away. */
            put(t, 36, random64() % 2 ? random64() % (PHYS_SIZE - 40) : 1UL << (33 + random64() % 30), 8);
            put(t, 44, random64() % 2 ? random64() % (PHYS_SIZE - 40) : 0, 8);
        }
        if (random64() % 4 == 0)
            size = 36 + random64() % (size - 36);
        if (which == 2)
            put(t, 140, 0, 8), put(t, 40, DSDT, 4);
        finish_table(t, tables[which].name, size);
        run_acpi();
        cpus = max(cpus, machine.nr_cpus);
        if (machine.nr_cpus > MAX_CPUS || machine.nr_ioapics > MAX_IOAPICS) {
            ok(false, "round %u: more than there is room for", round);
            return;
        }
    }
    ok(cpus > 0, "3000 times with random contents");

    make_acpi();
    for (unsigned int i = 0; i < 400; i++) {
        memcpy(phys(MADT) + 44 + i * 20, (u8[]){ 9, 16, 0, 0, (u8)i, (u8)(i >> 8), 0, 0, 1, 0, 0, 0 }, 12);
        memcpy(phys(MADT) + 44 + i * 20 + 12, (u8[]){ 0, 0, 0, 0, 1, 4, 0, 0 }, 8);
        phys(MADT)[44 + i * 20 + 17] = 4;
    }
    finish_table(phys(MADT), "APIC", 44 + 400 * 20);
    run_acpi();
    ok(machine.nr_cpus == MAX_CPUS && machine.nr_cpus_ignored == 400 - MAX_CPUS, "more CPUs than are supported are counted");
    make_acpi();
    for (unsigned int i = 0; i < 40; i++)
        memcpy(phys(MADT) + 44 + i * 12, (u8[]){ 1, 12, (u8)i, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0 }, 12);
    finish_table(phys(MADT), "APIC", 44 + 40 * 12);
    run_acpi();
    ok(machine.nr_ioapics == MAX_IOAPICS, "more I/O APICs than are supported are left out");
}

/* --- Domain-0's kernel --- */

#define ELF_SIZE 0x400

static u8 elf[ELF_SIZE];

static u32 add_note(u32 at, u32 type, const void *desc, u32 size)
{
    u32 head[3] = { 4, size, type };

    memcpy(elf + at, head, 12);
    memcpy(elf + at + 12, "Xen", 4);
    memcpy(elf + at + 16, desc, size);
    return at + 16 + ALIGN_UP(size, 4u);
}

/* Header, two segments (of which the second is notes), contents from 0x200 on. */
static void make_elf(void)
{
    u64 base = 0xffffffff80000000, entry = 0xffffffff80001000, page = 0xffffffff80002000, offset = 0, p2m = 0x8000000000;
    u32 at = 0x200, one = 1;

    memset(elf, 0, sizeof(elf));
    memcpy(elf, (u8[]){ 0x7f, 'E', 'L', 'F', 2, 1, 1 }, 7);
    put(elf, 16, 2, 2);
    put(elf, 18, 62, 2);
    put(elf, 24, 0x1234, 8);
    put(elf, 32, 64, 8);
    put(elf, 54, 56, 2);
    put(elf, 56, 2, 2);
    put(elf, 64, 1, 4);             /* PT_LOAD */
    put(elf, 64 + 8, 0x100, 8);
    put(elf, 64 + 16, base + 0x1000, 8);
    put(elf, 64 + 24, 0x1000, 8);
    put(elf, 64 + 32, 0x300, 8);
    put(elf, 64 + 40, 0x2000, 8);
    put(elf, 120, 4, 4);            /* PT_NOTE */
    put(elf, 120 + 8, 0x200, 8);
    at = add_note(at, XEN_ELFNOTE_GUEST_OS, "linux", 6);
    at = add_note(at, XEN_ELFNOTE_VIRT_BASE, &base, 8);
    at = add_note(at, XEN_ELFNOTE_PADDR_OFFSET, &offset, 8);
    at = add_note(at, XEN_ELFNOTE_ENTRY, &entry, 8);
    at = add_note(at, XEN_ELFNOTE_HYPERCALL_PAGE, &page, 8);
    at = add_note(at, XEN_ELFNOTE_INIT_P2M, &p2m, 8);
    at = add_note(at, XEN_ELFNOTE_MOD_START_PFN, &one, 4);
    put(elf, 120 + 32, at - 0x200, 8);
}

/* As a copy of exactly that size, so that the sanitizer sees a read beyond it. NULL, or what is wrong. */
static const char *parse(size_t size, struct elf_image *out)
{
    static struct tn_error err;
    u8 *copy = malloc(size);
    int status;

    memcpy(copy, elf, size);
    tn_clear(&err);
    status = dom0_elf_read(out, copy, size, &err);
    free(copy);
    return status < 0 ? err.text : NULL;
}

static void refused(const char *what, const char *says)
{
    struct elf_image k;
    const char *wrong = parse(ELF_SIZE, &k);

    ok(wrong && strstr(wrong, says), "%s: %s", what, wrong ? wrong : "accepted");
    make_elf();
}

/* The notes as a section's, at that offset, and not in a segment. */
static void notes_in_section(u64 offset)
{
    put(elf, 56, 1, 2);
    put(elf, 40, 0x3a0, 8);
    put(elf, 58, 64, 2);
    put(elf, 60, 1, 2);
    put(elf, 0x3a0 + 4, 7, 4);      /* SHT_NOTE */
    put(elf, 0x3a0 + 24, offset, 8);
    memcpy(elf + 0x3a0 + 32, elf + 120 + 32, 8);
}

static void test_elf(void)
{
    struct elf_image k;
    unsigned int accepted = 0;

    make_elf();
    ok(!parse(ELF_SIZE, &k) && k.nr_segments == 1 && k.virt_start == 0xffffffff80001000 &&
       k.virt_end == 0xffffffff80003000 && k.segments[0].file_offset == 0x100 && k.segments[0].file_size == 0x300,
       "a kernel's segments");
    ok(k.entry == 0xffffffff80001000 && k.hypercall_page == 0xffffffff80002000 && k.init_p2m == 0x8000000000 &&
       k.mod_start_pfn && !strcmp(k.notes.guest_os, "linux"), "and notes");
    for (size_t size = 0; size < ELF_SIZE; size++)
        accepted += !parse(size, &k);
    ok(!accepted, "cut after any byte: refused");
    notes_in_section(0x200);
    ok(!parse(ELF_SIZE, &k) && k.entry == 0xffffffff80001000, "notes in a section");
    make_elf();

    notes_in_section(0x3ff);
    refused("a section of notes beyond the end", "notes");
    put(elf, 18, 3, 2);
    refused("another machine's", "x86-64");
    put(elf, 56, 1, 2);
    refused("no notes", "notes");
    put(elf, 64 + 40, 0x100, 8);
    refused("less memory than file", "larger in the file");
    put(elf, 64 + 24, 1UL << 62, 8);
    refused("far off", "physical address");
    put(elf, 64 + 24, 0x7ffff000, 8);
    refused("across the end of addresses", "outside");
    put(elf, 64, 6, 4);
    refused("no segment", "no loadable");
    put(elf, 0x200 + 24 + 16, 0xffff800000000000, 8);
    refused("at the hypervisor's address", "outside");
    put(elf, 56, 8, 2);
    for (unsigned int i = 2; i < 8; i++)
        memcpy(elf + 64 + i * 56, elf + 64, 56);
    refused("segments over each other", "overlap");

    accepted = 0;
    for (unsigned int i = 0; i < 200000; i++) {
        make_elf();
        if (i % 2)
            notes_in_section(0x200);
        for (unsigned int n = 1 + random64() % 4; n-- > 0;)
            elf[random64() % ELF_SIZE] = (u8)random64();
        accepted += !parse(ELF_SIZE, &k);
        if (k.nr_segments > ELF_IMAGE_MAX_SEGMENTS)
            ok(false, "round %u: more segments than there is room for", i);
    }
    ok(accepted > 0, "200000 times with random bytes changed; %u were still kernels", accepted);
}

int main(void)
{
    memory_open();
    test_acpi();
    test_acpi_random();
    test_elf();
    return done_testing();
}
