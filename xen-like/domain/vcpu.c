/* SPDX-License-Identifier: MIT */
/*
 * vCPUs: the vcpu_op hypercall, and what a vCPU's guest reads in memory without asking: its vcpu_info with
 * the time, and copies of time and run states where it registered areas for them. Operations and errors are
 * those of xen/vcpu.h.
 */
#include "cpu/smp.h"
#include "cpu/time.h"
#include "domain/domain.h"
#include "mm/guest.h"
#include "pv/hypercall.h"

#include <xen/sched.h>

#define PERIOD_MIN MILLISECS(1)
#define PERIOD_MAX ((stime_t)(~0ULL >> 2))

/* --- time --- */

/*
 * Readers take an odd version as "being written", and a version that changed as "read again" (xen/xen.h). The
 * version is counted on our side: the guest may write what it likes into its own.
 */
static void write_time(struct vcpu_time_info *to, const struct vcpu_time_info *t)
{
    WRITE_ONCE(to->version, t->version);
    smp_wmb();
    *to = *t;
    smp_wmb();
    WRITE_ONCE(to->version, t->version + 1);
}

/* The same into the guest's own memory. A bad address is the guest's own loss. */
static bool copy_time(struct vcpu *v, void *arg)
{
    struct vcpu_time_info *t = arg;

    if (copy_to_guest(v->time_guest, &t->version, sizeof(t->version)) ||
        copy_to_guest(v->time_guest, t, sizeof(*t)))
        return false;
    smp_wmb();
    t->version++;
    return copy_to_guest(v->time_guest, &t->version, sizeof(t->version)) == 0;
}

void vcpu_update_time(struct vcpu *v)
{
    struct vcpu_time_info t = { .version = v->time_version + 1 };

    time_fill(&t);
    if (t.tsc_timestamp != v->info->time.tsc_timestamp || !v->time_version) {
        v->time_version += 2;
        write_time(&v->info->time, &t);
        if (v->time_guest)
            vcpu_in_kernel_table(v, copy_time, &t);
    }
    vcpu_publish_runstate(v);
}

static struct spinlock wallclock_lock = SPINLOCK_INIT(LOCK_LEAF);

void domain_update_wallclock(struct domain *d)
{
    struct shared_info *si = d->shared_info;
    u32 nsec;
    u64 sec;

    wallclock_at_boot(&sec, &nsec);
    sec += (u64)d->time_offset;
    spin_guard(&wallclock_lock);
    d->wc_version += 2;
    WRITE_ONCE(si->wc_version, d->wc_version - 1);
    smp_wmb();
    si->wc_sec = (u32)sec;
    si->wc_sec_hi = (u32)(sec >> 32);
    si->wc_nsec = nsec;
    smp_wmb();
    WRITE_ONCE(si->wc_version, d->wc_version);
}

void domain_set_wallclock(u64 secs, u32 nsecs, stime_t system_time)
{
    wallclock_set(secs, nsecs, system_time);
    for_each_domain(d)
        domain_update_wallclock(d);
}

/* --- vcpu_info --- */

void vcpu_drop_info(struct vcpu *v)
{
    mfn_t mfn = v->info_mfn;

    if (mfn_eq(mfn, INVALID_MFN))
        return;
    v->info = &v->domain->shared_info->vcpu_info[v->id];
    v->info_mfn = INVALID_MFN;
    frame_put_and_type(mfn_to_frame(mfn));
}

/* --- operations --- */

struct vcpu_guest_context *context_from_guest(unsigned long from, long *err)
{
    struct vcpu_guest_context *ctx = xzalloc(struct vcpu_guest_context);

    *err = ctx ? -EFAULT : -ENOMEM;
    if (ctx && copy_from_guest(ctx, from, sizeof(*ctx)) == 0)
        return ctx;
    xfree(ctx);
    return NULL;
}

static long op_initialise(struct vcpu *v, unsigned long arg)
{
    long ret;
    struct vcpu_guest_context *ctx held_memory = context_from_guest(arg, &ret);

    if (!ctx)
        return ret;
    /* A mark, not the domain's lock: what is wrong with a page table may end the domain, which takes it. */
    if (atomic_xchg(&v->initialising, true))
        return -EEXIST;
    ret = v->initialised ? -EEXIST : pv_set_context(v, ctx);
    store_release(&v->initialising, false);
    return ret == -ERESTART ? HYPERCALL_RESTART(VCPUOP_initialise, v->id, arg) : ret;
}

static long op_up(struct vcpu *v, unsigned long arg)
{
    if (!v->initialised)
        return -EINVAL;
    if (atomic_and(&v->sched.blocked, ~VCPU_DOWN) & VCPU_DOWN)
        vcpu_wake(v);
    return 0;
}

/* The last vCPU that goes down ends the domain. The lock: two that go down at once see each other. */
static long op_down(struct vcpu *v, unsigned long arg)
{
    bool others = false, was_up = false;

    spin_lock(&v->domain->lock);
    for_each_vcpu(v->domain, other)
        others |= other != v && !(other->sched.blocked & VCPU_DOWN);
    if (others)
        was_up = !(atomic_or(&v->sched.blocked, VCPU_DOWN) & VCPU_DOWN);
    spin_unlock(&v->domain->lock);
    if (!others)
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
    if (was_up) {
        vcpu_pause_nosync(v);
        vcpu_unpause(v);
    }
    return 0;
}

static long op_is_up(struct vcpu *v, unsigned long arg) { return !(v->sched.blocked & VCPU_DOWN); }

static long op_get_runstate_info(struct vcpu *v, unsigned long arg)
{
    struct vcpu_runstate_info r = vcpu_runstate(v);

    return copy_to_guest(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

static long op_register_runstate_memory_area(struct vcpu *v, unsigned long arg)
{
    struct vcpu_register_runstate_memory_area area;
    struct vcpu_runstate_info r = vcpu_runstate(v);

    if (copy_from_guest(&area, arg, sizeof(area)) || !guest_range_ok(area.addr.p, sizeof(r)))
        return -EFAULT;
    v->sched.runstate_guest = area.addr.p;
    (void)!copy_to_guest(area.addr.p, &r, sizeof(r)); /* it may be mapped later */
    return 0;
}

static long op_register_vcpu_time_memory_area(struct vcpu *v, unsigned long arg)
{
    struct vcpu_register_time_memory_area area;

    if (copy_from_guest(&area, arg, sizeof(area)) ||
        !guest_range_ok(area.addr.p, sizeof(struct vcpu_time_info)))
        return -EFAULT;
    v->time_guest = area.addr.p;
    if (v == current) {
        v->info->time.tsc_timestamp = 0; /* so that it counts as changed */
        vcpu_update_time(v);
    }
    return 0;
}

static long op_set_periodic_timer(struct vcpu *v, unsigned long arg)
{
    struct vcpu_set_periodic_timer set;

    if (copy_from_guest(&set, arg, sizeof(set)))
        return -EFAULT;
    if (set.period_ns < (u64)PERIOD_MIN || set.period_ns > (u64)PERIOD_MAX)
        return -EINVAL;
    vcpu_set_periodic(v, (stime_t)set.period_ns);
    return 0;
}

static long op_stop_periodic_timer(struct vcpu *v, unsigned long arg)
{
    vcpu_set_periodic(v, 0);
    return 0;
}

/* VCPU_SSHOTTMR_future may be ignored, and is: a time that has passed fires at once. */
static long op_set_singleshot_timer(struct vcpu *v, unsigned long arg)
{
    struct vcpu_set_singleshot_timer set;

    if (v != current)
        return -EINVAL;
    if (copy_from_guest(&set, arg, sizeof(set)))
        return -EFAULT;
    timer_set(&v->sched.singleshot, (stime_t)set.timeout_abs_ns);
    return 0;
}

static long op_stop_singleshot_timer(struct vcpu *v, unsigned long arg)
{
    if (v != current)
        return -EINVAL;
    timer_stop(&v->sched.singleshot);
    return 0;
}

static long op_register_vcpu_info(struct vcpu *v, unsigned long arg)
{
    struct vcpu_register_vcpu_info info;

    if (copy_from_guest(&info, arg, sizeof(info)))
        return -EFAULT;
    if (info.offset > PAGE_SIZE - sizeof(struct vcpu_info) || info.offset % __alignof__(struct vcpu_info))
        return -ENXIO;
    spin_guard(&v->domain->lock);
    /* A vCPU that runs elsewhere could use its old one meanwhile. */
    if (!mfn_eq(v->info_mfn, INVALID_MFN) || (v != current && !(v->sched.blocked & VCPU_DOWN)) ||
        !frame_get_and_type(MFN(info.mfn), v->domain, FRAME_WRITABLE))
        return -EINVAL;

    struct vcpu_info *new = (struct vcpu_info *)((char *)mfn_to_virt(MFN(info.mfn)) + info.offset);
    memcpy(new, v->info, sizeof(*new));
    v->info_mfn = MFN(info.mfn);
    store_release(&v->info, new);
    pv_info_moved(v);
    smp_mb();
    /* An event that was being sent may have gone to the old place: make the guest look at all of them. */
    WRITE_ONCE(new->evtchn_upcall_pending, 1);
    WRITE_ONCE(new->evtchn_pending_sel, ~0UL);
    return 0;
}

void vcpu_send_nmi(struct vcpu *v)
{
    if (!atomic_xchg(&v->pv.nmi_pending, true))
        vcpu_kick(v);
}

static long op_send_nmi(struct vcpu *v, unsigned long arg)
{
    if (arg)
        return -EINVAL;
    vcpu_send_nmi(v);
    return 0;
}

/* Only the hardware domain's vCPUs that may run on one CPU alone are told which. */
static long op_get_physid(struct vcpu *v, unsigned long arg)
{
    const unsigned long *usable = v->sched.hard_affinity.bits;
    unsigned int cpu = (unsigned int)find_next_bit(usable, cpu_count, 0);

    if (!v->domain->hardware || find_next_bit(usable, cpu_count, cpu + 1) < cpu_count)
        return -EINVAL;
    struct vcpu_get_physid id = { .phys_id = (u64)cpu_acpi_id(cpu) << 32 | cpu_apic_id[cpu] };
    return copy_to_guest(arg, &id, sizeof(id)) ? -EFAULT : 0;
}

static long (*const vcpu_ops[])(struct vcpu *v, unsigned long arg) = {
#define SUBOP_OF_vcpu_op ~, SUBOP_ROW
#define SUBOP_ROW(call, nr, name) [nr] = op_##name,
#include "pv/subops.h"
};

long do_vcpu_op(unsigned int cmd, unsigned int vcpuid, unsigned long arg)
{
    struct vcpu *v = domain_vcpu(current->domain, vcpuid);

    if (!v)
        return -ENOENT;
    if (cmd >= ARRAY_SIZE(vcpu_ops))
        return -ENOSYS;
    return vcpu_ops[index_nospec(cmd, ARRAY_SIZE(vcpu_ops))](v, arg);
}
