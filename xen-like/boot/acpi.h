/* SPDX-License-Identifier: MIT */
/* What boot/acpi.c keeps of the FADT for boot/power.c. */
#pragma once

#include "lib/lib.h"

struct acpi_power {
    bool can_power_off;             /* _S5_ was found */
    u8 sleep_type_a, sleep_type_b;
    u16 pm1a_control, pm1b_control; /* ports; 0: none */
    u16 smi_command;
    u8 acpi_enable;
    u16 reset_port;                 /* 0: none */
    u8 reset_value;
};
extern struct acpi_power acpi_power;

/*
 * The sleep types of _S5_ in AML code: looks for the name's definition as a package of at least two small
 * integers. Pure; never reads beyond size. False where there is none.
 */
bool acpi_find_s5(const u8 *aml, size_t size, u8 *type_a, u8 *type_b);
