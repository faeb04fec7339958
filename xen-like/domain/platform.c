/* SPDX-License-Identifier: MIT */
/*
 * The platform_op hypercall: what the hardware domain does to or asks of the machine itself. One function an
 * operation; fields and errors are those of xen/platform.h.
 */
#include "cpu/features.h"
#include "cpu/machine.h"
#include "cpu/smp.h"
#include "domain/control.h"

#include <xen/sched.h>

#define ACPI_STATE_S5 5

long platform_op_settime64(struct domain *d, union control_op *op)
{
    struct xenpf_settime64 *t = &op->platform.u.settime64;

    if (t->mbz)
        return -EINVAL;
    domain_set_wallclock(t->secs, t->nsecs, (stime_t)t->system_time);
    return 0;
}

long platform_op_settime32(struct domain *d, union control_op *op)
{
    struct xenpf_settime32 *t = &op->platform.u.settime32;

    domain_set_wallclock(t->secs, t->nsecs, (stime_t)t->system_time);
    return 0;
}

u32 cpu_acpi_id(unsigned int cpu)
{
    u32 apic_id = cpu_apic_id[cpu];

    for (unsigned int i = 0; i < machine.nr_cpus; i++)
        if (machine.apic_id[i] == apic_id)
            return machine.acpi_id[i];
    return cpu;
}

long platform_op_get_cpuinfo(struct domain *d, union control_op *op)
{
    struct xenpf_pcpuinfo *p = &op->platform.u.pcpu_info;

    p->max_present = cpu_count - 1;
    if (p->xen_cpuid >= cpu_count) {
        p->flags = XEN_PCPU_FLAGS_INVALID;
    } else {
        unsigned int nr = (unsigned int)index_nospec(p->xen_cpuid, cpu_count);

        p->flags = XEN_PCPU_FLAGS_ONLINE;
        p->apic_id = cpu_apic_id[nr];
        p->acpi_id = cpu_acpi_id(nr);
    }
    return WRITE_BACK(0);
}

long platform_op_get_cpu_version(struct domain *d, union control_op *op)
{
    struct xenpf_pcpu_version *p = &op->platform.u.pcpu_version;

    p->max_present = cpu_count - 1;
    if (p->xen_cpuid >= cpu_count) {
        memset(p->vendor_id, 0, sizeof(p->vendor_id));
        p->family = p->model = p->stepping = 0;
    } else {
        memcpy(p->vendor_id, cpu.vendor, sizeof(p->vendor_id));
        p->family = cpu.family;
        p->model = cpu.model;
        p->stepping = cpu.stepping;
    }
    return WRITE_BACK(0);
}

/*
 * The boot loaders leave none of what the firmware's interrupts would tell; EFI's tables are not handed on
 * yet.
 */
long platform_op_firmware_info(struct domain *d, union control_op *op)
{
    struct xenpf_firmware_info *f = &op->platform.u.firmware_info;

    switch (f->type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO:
        return -ESRCH;
    case XEN_FW_KBD_SHIFT_FLAGS:
        if (f->index != 0)
            return -ESRCH;
        f->u.kbd_shift_flags = 0;
        return WRITE_BACK(0);
    case XEN_FW_EFI_INFO:
        return -ENOSYS;
    default:
        return -EINVAL;
    }
}

long platform_op_enter_acpi_sleep(struct domain *d, union control_op *op)
{
    struct xenpf_enter_acpi_sleep *s = &op->platform.u.enter_acpi_sleep;

    if (s->sleep_state != ACPI_STATE_S5)
        return -EINVAL;
    machine_shutdown(SHUTDOWN_poweroff);
}
