/* SPDX-License-Identifier: MIT */
/*
 * Reads the ACPI tables that a hypervisor needs (ACPI Specification 6.4, chapter 5): MADT for the interrupt
 * controllers and CPUs, FADT for power and the PM timer, and the DSDT's and SSDTs' bytes for the one object
 * _S5_. Runs on the boot tables, which reach 4 GiB; what it needs later it copies.
 */
#include "boot/acpi.h"

#include "boot/info.h"
#include "cpu/machine.h"
#include "mm/frame.h"

struct machine machine;
struct acpi_power acpi_power;

#define REACH           0x100000000UL
#define TABLE_SIZE_MAX  (16u << 20)
#define MAX_TABLES      256

struct rsdp {
    char signature[8];
    u8 checksum, oem[6], revision;
    u32 rsdt, length;
    u64 xsdt;
    u8 extended_checksum, reserved[3];
} __packed;

struct table {
    char signature[4];
    u32 length;
    u8 rest[28];        /* revision, checksum, and who made it */
} __packed;
_Static_assert(sizeof(struct table) == 36, "ACPI: description header");

static u8 sum(const void *p, size_t n)
{
    u8 s = 0;

    for (const u8 *b = p; n--; b++)
        s += *b;
    return s;
}

/* Little-endian number of n bytes. */
static u64 number(const void *p, unsigned int n)
{
    u64 v = 0;

    memcpy(&v, p, n);
    return v;
}

/* The number at an offset of a table; 0 where the table is too short to have it. */
static u64 field(const struct table *t, unsigned int offset, unsigned int n)
{
    return offset + n > t->length ? 0 : number((const char *)t + offset, n);
}

/* The table at a machine address where it is whole and within reach, else NULL. */
static const struct table *map_table(u64 address)
{
    const struct table *t = maddr_to_virt(MADDR(address));

    if (!address || address > REACH - sizeof(*t) || t->length < sizeof(*t) || t->length > TABLE_SIZE_MAX ||
        address + t->length > REACH)
        return NULL;
    if (sum(t, t->length)) {
        log_warn("ACPI: table %.4s at %#lx has a wrong checksum, ignored\n", t->signature, address);
        return NULL;
    }
    return t;
}

/* --- the root --- */

static bool rsdp_valid(const struct rsdp *r)
{
    if (memcmp(r->signature, "RSD PTR ", 8) || sum(r, 20))
        return false;
    return r->revision < 2 || (r->length >= sizeof(*r) && r->length <= 4096 && !sum(r, r->length));
}

static const struct rsdp *scan_for_rsdp(u64 start, u64 end)
{
    for (u64 at = start; at + sizeof(struct rsdp) <= end; at += 16)
        if (rsdp_valid(maddr_to_virt(MADDR(at))))
            return maddr_to_virt(MADDR(at));
    return NULL;
}

/* The BIOS keeps it in the first KiB of its extended data area, or from 0xe0000 on. */
static const struct rsdp *find_rsdp(void)
{
    u64 ebda = (u64)*(const volatile u16 *)maddr_to_virt(MADDR(0x40e)) << 4, place = boot_info.rsdp_copy;
    const struct rsdp *copy = place ? scan_for_rsdp(place, place + sizeof(*copy)) : NULL, *found = NULL;

    if (copy && boot_info.efi_system_table)
        return copy;
    if (ebda >= 0x80000 && ebda < 0xa0000)
        found = scan_for_rsdp(ebda, min(ebda + 1024, 0xa0000UL));
    return found ?: scan_for_rsdp(0xe0000, 0x100000) ?: copy;
}

/* --- MADT --- */

static void add_cpu(u32 apic_id, u32 acpi_id, u32 flags)
{
    if (!(flags & 1))
        return;
    for (unsigned int i = 0; i < machine.nr_cpus; i++)
        if (machine.apic_id[i] == apic_id)
            return;
    if (machine.nr_cpus == MAX_CPUS) {
        machine.nr_cpus_ignored++;
        return;
    }
    machine.apic_id[machine.nr_cpus] = apic_id;
    machine.acpi_id[machine.nr_cpus++] = acpi_id;
}

static void madt_cpu(const u8 *e) { add_cpu(e[3], e[2], number(e + 4, 4)); }

static void madt_ioapic(const u8 *e)
{
    if (machine.nr_ioapics == MAX_IOAPICS) {
        log_warn("ACPI: more than %u I/O APICs; I/O APIC %u ignored\n", MAX_IOAPICS, e[2]);
        return;
    }
    machine.ioapic[machine.nr_ioapics++] = (struct ioapic){ .id = e[2], .address = number(e + 4, 4),
                                                             .gsi_base = number(e + 8, 4) };
}

/* Polarity in bits 0 and 1, trigger in bits 2 and 3: 3 means active low, or level; 0 and 1 what ISA has. */
static void madt_override(const u8 *e)
{
    if (e[2] == 0 && e[3] < ARRAY_SIZE(machine.isa))
        machine.isa[e[3]] = (struct isa_line){
            .active_low = (e[8] & 3) == 3, .level = (e[8] >> 2 & 3) == 3, .gsi = number(e + 4, 4),
        };
}

static void madt_lapic_address(const u8 *e) { machine.lapic_address = number(e + 4, 8); }

static void madt_x2apic(const u8 *e) { add_cpu(number(e + 4, 4), number(e + 12, 4), number(e + 8, 4)); }

static void parse_madt(const struct table *t)
{
    static const struct { u8 size; void (*fn)(const u8 *e); } kinds[] = {
        [0] = { 8, madt_cpu }, [1] = { 12, madt_ioapic }, [2] = { 10, madt_override },
        [5] = { 12, madt_lapic_address }, [9] = { 16, madt_x2apic },
    };
    const u8 *at = (const u8 *)t + 44, *end = (const u8 *)t + t->length;

    machine.has_madt = true;
    machine.lapic_address = field(t, 36, 4);
    for (; at + 2 <= end && at[1] >= 2 && at + at[1] <= end; at += at[1])
        if (at[0] < ARRAY_SIZE(kinds) && kinds[at[0]].fn && at[1] >= kinds[at[0]].size)
            kinds[at[0]].fn(at);
}

/* --- FADT and _S5_ --- */

/*
 * AML: one small integer, ZeroOp or OneOp, which are their own values, or BytePrefix and the value. How many
 * bytes it takes, 0: there is none.
 */
static size_t aml_integer(const u8 *at, const u8 *end, u8 *value)
{
    size_t size = at < end && *at <= 1 ? 1 : at + 1 < end && *at == 0x0a ? 2 : 0;

    if (size)
        *value = at[size - 1];
    return size;
}

bool acpi_find_s5(const u8 *aml, size_t size, u8 *type_a, u8 *type_b)
{
    const u8 *end = aml + size;

    for (const u8 *p = aml + 1; p + 8 <= end; p++) {
        const u8 *at = p + 5;

        /* NameOp "_S5_" or NameOp "\_S5_", then PackageOp, PkgLength (1 to 4 bytes), NumElements. */
        if (p[-1] != 0x08 && !(p[-1] == '\\' && p - aml >= 2 && p[-2] == 0x08))
            continue;
        if (memcmp(p, "_S5_", 4) || p[4] != 0x12)
            continue;
        at += 1 + (*at >> 6);
        if (at >= end || *at++ < 2)
            continue;
        size_t first = aml_integer(at, end, type_a);
        if (first && aml_integer(at + first, end, type_b))
            return true;
    }
    return false;
}

/*
 * The port in a register block: the extended field where the table has one in port space, else the old one.
 */
static u16 register_port(const struct table *t, unsigned int old, unsigned int extended)
{
    u64 address = field(t, extended + 4, 8);

    if (field(t, extended, 1) == 1 && address && address <= 0xffff)
        return address;
    return field(t, old, 4);
}

static void search_s5(const struct table *t)
{
    struct acpi_power *p = &acpi_power;

    if (t && !p->can_power_off)
        p->can_power_off = acpi_find_s5((const u8 *)(t + 1), t->length - sizeof(*t), &p->sleep_type_a,
                                        &p->sleep_type_b);
}

static void parse_fadt(const struct table *t)
{
    struct acpi_power *p = &acpi_power;
    u32 flags = field(t, 112, 4);
    u64 dsdt = field(t, 140, 8);

    p->smi_command = field(t, 48, 4);
    p->acpi_enable = field(t, 52, 1);
    p->pm1a_control = register_port(t, 64, 172);
    p->pm1b_control = register_port(t, 68, 184);
    machine.pm_timer_port = register_port(t, 76, 208);
    machine.pm_timer_32bit = flags & (1u << 8);
    machine.rtc_century = field(t, 108, 1);
    machine.no_cmos_rtc = field(t, 109, 2) & (1u << 5);
    if ((flags & (1u << 10)) && field(t, 116, 1) == 1) {
        p->reset_port = field(t, 120, 8);
        p->reset_value = field(t, 128, 1);
    }
    search_s5(map_table(dsdt ? dsdt : field(t, 40, 4)));
}

/* --- */

static void each_table(const struct table *root, unsigned int entry_size)
{
    static const struct { char signature[5]; void (*parse)(const struct table *t); } kinds[] = {
        { "APIC", parse_madt }, { "FACP", parse_fadt }, { "SSDT", search_s5 },
    };
    u32 end = min(root->length, (u32)sizeof(*root) + MAX_TABLES * entry_size);

    for (u32 at = sizeof(*root); at + entry_size <= end; at += entry_size) {
        const struct table *t = map_table(field(root, at, entry_size));

        for (unsigned int i = 0; t && i < ARRAY_SIZE(kinds); i++)
            if (!memcmp(t->signature, kinds[i].signature, sizeof(t->signature)))
                kinds[i].parse(t);
    }
}

void acpi_init(void)
{
    const struct rsdp *r = find_rsdp();
    const struct table *xsdt = r && r->revision >= 2 ? map_table(r->xsdt) : NULL;
    const struct table *root = r && !xsdt ? map_table(r->rsdt) : xsdt;

    for (unsigned int irq = 0; irq < ARRAY_SIZE(machine.isa); irq++)
        machine.isa[irq].gsi = irq;
    if (!root) {
        log_warn("ACPI: no tables found: one CPU, no device interrupts, no power-off\n");
        return;
    }
    each_table(root, xsdt ? 8 : 4);
    if (!machine.has_madt)
        log_warn("ACPI: no MADT: one CPU, no device interrupts\n");
    if (!acpi_power.can_power_off || !acpi_power.pm1a_control)
        log_warn("ACPI: no _S5_ object: the machine cannot be powered off\n");
}
