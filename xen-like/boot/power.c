/* SPDX-License-Identifier: MIT */
/* Power-off through ACPI's S5 state, and reset by one means after the other. */
#include "boot/acpi.h"
#include "cpu/asm.h"
#include "cpu/machine.h"
#include "cpu/time.h"

#define PM1_SCI_ENABLE      0x0001
#define PM1_SLEEP_TYPE(t)   ((u16)(((t) & 7) << 10))
#define PM1_SLEEP_MASK      0x1c00
#define PM1_SLEEP_ENABLE    0x2000

static void sleep(u16 port, u8 type)
{
    u16 control;

    if (!port)
        return;
    control = (inw(port) & ~PM1_SLEEP_MASK) | PM1_SLEEP_TYPE(type);
    outw(port, control);
    outw(port, control | PM1_SLEEP_ENABLE);
}

void machine_poweroff(void)
{
    const struct acpi_power *p = &acpi_power;

    if (!p->can_power_off || !p->pm1a_control)
        return;
    /* The registers work in ACPI mode, to which the firmware changes on command. */
    if (!(inw(p->pm1a_control) & PM1_SCI_ENABLE) && p->smi_command && p->acpi_enable) {
        outb(p->smi_command, p->acpi_enable);
        for (unsigned int ms = 0; ms < 300 && !(inw(p->pm1a_control) & PM1_SCI_ENABLE); ms++)
            udelay(1000);
    }
    sleep(p->pm1a_control, p->sleep_type_a);
    sleep(p->pm1b_control, p->sleep_type_b);
    udelay(1000000);
}

void machine_reset(void)
{
    struct { u16 limit; u64 base; } __packed no_idt = { 0, 0 };

    if (acpi_power.reset_port) {
        outb(acpi_power.reset_port, acpi_power.reset_value);
        udelay(50000);
    }
    outb(0xcf9, 0x02);      /* chipset reset control: hard reset */
    outb(0xcf9, 0x06);
    udelay(50000);
    for (unsigned int i = 0; i < 100000 && (inb(0x64) & 2); i++)
        cpu_relax();
    outb(0x64, 0xfe);       /* keyboard controller: pulse the reset line */
    udelay(50000);
    /* An exception without an IDT shuts the processor down, which resets the machine. */
    __asm__ __volatile__("lidt %0; int3" : : "m"(no_idt));
    for (;;)
        __asm__ __volatile__("cli; hlt");
}
