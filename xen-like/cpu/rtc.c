/* SPDX-License-Identifier: MIT */
/*
 * Reads the MC146818-style clock of the CMOS: binary or BCD, 12 or 24 hours, with the century where the FADT
 * names it.
 */
#include "cpu/rtc.h"

#include "cpu/asm.h"
#include "cpu/machine.h"

enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY, NR_FIELDS };

#define REG_A           0x0a
#define REG_B           0x0b
#define A_UPDATING      0x80
#define B_24_HOURS      0x02
#define B_BINARY        0x04
#define HOUR_PM         0x80

static u8 cmos_read(u8 reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static void read_fields(u8 f[NR_FIELDS])
{
    static const u8 regs[] = { 0x00, 0x02, 0x04, 0x07, 0x08, 0x09 };

    for (unsigned int i = 0; i < 10000000 && (cmos_read(REG_A) & A_UPDATING); i++)
        cpu_relax();
    for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
        f[i] = cmos_read(regs[i]);
    f[CENTURY] = machine.rtc_century ? cmos_read(machine.rtc_century) : 0;
}

static u8 from_bcd(u8 v) { return (v >> 4) * 10 + (v & 0xf); }

/*
 * Days since 1970-01-01 of a date of the Gregorian calendar, counting years from March so that leap days come
 * last.
 */
static u64 days_since_1970(unsigned int year, unsigned int month, unsigned int day)
{
    unsigned int y = month > 2 ? year : year - 1;
    unsigned int m = month > 2 ? month - 3 : month + 9;

    return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

u64 rtc_read(void)
{
    u8 f[NR_FIELDS], again[NR_FIELDS];

    if (machine.no_cmos_rtc)
        return 0;
    /* Twice the same: no update came in between. */
    read_fields(again);
    for (unsigned int i = 0; i < 5; i++) {
        memcpy(f, again, sizeof(f));
        read_fields(again);
        if (!memcmp(f, again, sizeof(f)))
            break;
    }
    const u8 mode = cmos_read(REG_B), pm = mode & B_24_HOURS ? 0 : f[HOUR] & HOUR_PM;

    f[HOUR] ^= pm;
    if (!(mode & B_BINARY))
        for (unsigned int i = 0; i < NR_FIELDS; i++)
            f[i] = from_bcd(f[i]);
    if (!(mode & B_24_HOURS))
        f[HOUR] = f[HOUR] % 12 + (pm ? 12 : 0);
    if (f[CENTURY] < 19 || f[CENTURY] > 29)
        f[CENTURY] = f[YEAR] < 70 ? 20 : 19;
    const unsigned int year = f[CENTURY] * 100 + f[YEAR];

    if (f[MONTH] < 1 || f[MONTH] > 12 || f[DAY] < 1 || f[DAY] > 31 || year < 1970) {
        log_warn("The CMOS clock holds no date; the wall clock starts at 1970\n");
        return 0;
    }
    return days_since_1970(year, f[MONTH], f[DAY]) * 86400 + f[HOUR] * 3600 + f[MINUTE] * 60 + f[SECOND];
}
