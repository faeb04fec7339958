/* SPDX-License-Identifier: MIT */
/*
 * What a domain shall be: the decoded form of a configuration in xl.cfg's syntax, and the rules for names.
 * cli/config_parse.c makes it, build/ and lib/ use it.
 */
#ifndef TOOLSTACK_CONFIG_H
#define TOOLSTACK_CONFIG_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_NAME_MAX   63
#define TN_PATH_MAX   255
#define TN_MAX_VCPUS  64
#define TN_MAX_CPUS   256
#define TN_MIN_MEMORY_MB 1
#define TN_MAX_MEMORY_MB (16u << 20)
#define TN_MAX_WEIGHT 65535u
#define TN_MAX_CAP    (100u * TN_MAX_VCPUS)
#define TN_UUID_TEXT  37      /* with its NUL */
#define TN_MAX_TIME_OFFSET (366u * 86400)   /* seconds */

/* A set of physical CPUs, bit n of byte n/8 as the hypervisor's bitmaps have it. */
struct tn_cpu_set {
    uint8_t bits[TN_MAX_CPUS / 8];
};

/* What to do when the guest ends. */
enum tn_action {
    TN_DESTROY,
    TN_RESTART,
    TN_RENAME_RESTART,          /* keep the ended one under another name, and start a new one */
    TN_PRESERVE,
};

struct tn_config {
    char name[TN_NAME_MAX + 1];
    char kernel[TN_PATH_MAX + 1];
    char ramdisk[TN_PATH_MAX + 1];      /* empty: none */
    char cmdline[1024];                 /* MAX_GUEST_CMDLINE with its NUL */
    char root[TN_PATH_MAX + 1];         /* these two make the command line */
    char extra[1024];                   /* where no cmdline is given */
    uint8_t uuid[16];                   /* all zero: one is made up */
    uint32_t memory_mb;
    uint32_t maxmem_mb;                 /* >= memory_mb */
    uint32_t vcpus;
    uint32_t maxvcpus;                  /* >= vcpus */
    unsigned nr_cpu_sets;               /* 0: any CPU; vCPU n uses set n, or the last one */
    struct tn_cpu_set cpus[TN_MAX_VCPUS];
    unsigned nr_soft_sets;              /* the same for the CPUs that they run on rather */
    struct tn_cpu_set cpus_soft[TN_MAX_VCPUS];
    uint32_t cpu_weight;                /* 0: the scheduler's own default */
    uint32_t cap;                       /* per cent of a CPU, 0: no limit */
    int32_t rtc_timeoffset;             /* seconds from UTC that the guest's clock shows */
    uint32_t localtime;                 /* 1: and as many as local time differs from UTC */
    enum tn_action on_poweroff, on_reboot, on_crash, on_watchdog;
};

/*
 * A name may have letters, digits and _ . + : @ -, up to TN_NAME_MAX, and not digits alone (those are ids).
 * Returns 0, or -1 with the line.
 */
int tn_check_name(const char *name, struct tn_error *err);

/* Parse xl's CPU list ("0-3,^2", "all") into `set`. Returns 0, or -1 with the line. */
int tn_parse_cpus(struct tn_cpu_set *set, const char *text, struct tn_error *err);

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" to bytes. Returns 0, or -1 with the line. */
int tn_parse_uuid(uint8_t uuid[16], const char *text, struct tn_error *err);
void tn_format_uuid(const uint8_t uuid[16], char text[TN_UUID_TEXT]);

/* The set as xl prints it ("all" where it has the first nr_cpus, "0-3,5", "none"), at most `room` bytes. */
void tn_format_cpus(const struct tn_cpu_set *set, unsigned nr_cpus, char *text, size_t room);

static inline bool tn_cpu_in(const struct tn_cpu_set *set, unsigned cpu)
{
    return cpu < TN_MAX_CPUS && (set->bits[cpu / 8] >> (cpu % 8) & 1);
}

#endif
