/* SPDX-License-Identifier: MIT */
/*
 * The standard tree. A struct writer carries the first error through a row of writes, so that the tables and
 * functions below read as lists of nodes.
 */
#include "guest_tree.h"

#include "port.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xen/grant_table.h>

/* Who else but Domain-0 may use a node; new nodes below have it too. */
enum access {
    ITS_PARENTS,
    GUEST_READS,
    GUEST_OWNS,
};

struct writer {
    struct store_conn *conn;
    domid_t domid;
    char base[GUEST_TREE_PATH / 2];
    int rc;                     /* the first error */
};

static void path_of(const struct writer *w, char path[GUEST_TREE_PATH], const char *node)
{
    snprintf(path, GUEST_TREE_PATH, "%s%s%s", w->base, *node ? "/" : "", node);
}

/* A node below the base, "" the base itself, with its value. */
static __attribute__((format(printf, 4, 5))) void put(struct writer *w, const char *node, enum access access,
                                                      const char *fmt, ...)
{
    const struct store_perm reads[] = { { 0, 'n' }, { w->domid, 'r' } }, owns = { w->domid, 'n' };
    char path[GUEST_TREE_PATH], value[sizeof(((struct tn_config *)0)->cmdline)];
    va_list ap;
    int length;

    if (w->rc < 0)
        return;
    va_start(ap, fmt);
    length = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    path_of(w, path, node);
    w->rc = store_write(w->conn, 0, path, value, length);
    if (w->rc >= 0 && access == GUEST_READS)
        w->rc = store_set_perms(w->conn, 0, path, reads, 2);
    else if (w->rc >= 0 && access == GUEST_OWNS)
        w->rc = store_set_perms(w->conn, 0, path, &owns, 1);
}

static struct writer domain_writer(struct store_conn *conn, domid_t domid)
{
    struct writer w = { .conn = conn, .domid = domid };

    snprintf(w.base, sizeof(w.base), "/local/domain/%u", domid);
    return w;
}

static struct writer vm_writer(struct store_conn *conn, domid_t domid, const struct tn_config *config)
{
    struct writer w = { .conn = conn, .domid = domid };
    char uuid[TN_UUID_TEXT];

    tn_format_uuid(config->uuid, uuid);
    snprintf(w.base, sizeof(w.base), "/vm/%s", uuid);
    return w;
}

int guest_tree_make_domain0(struct store_conn *conn, uint64_t memory_kb)
{
    struct writer w = domain_writer(conn, 0);

    put(&w, "name", ITS_PARENTS, "Domain-0");
    put(&w, "domid", ITS_PARENTS, "0");
    put(&w, "memory/target", ITS_PARENTS, "%" PRIu64, memory_kb);
    put(&w, "memory/static-max", ITS_PARENTS, "%" PRIu64, memory_kb);
    put(&w, "control", ITS_PARENTS, "%s", "");
    put(&w, "device", ITS_PARENTS, "%s", "");
    put(&w, "backend", ITS_PARENTS, "%s", "");
    strcpy(w.base, "/tool/xenstored");
    put(&w, "", ITS_PARENTS, "%s", "");
    return w.rc;
}

/* What the guest or its drivers say about themselves, and how the toolstack asks them for something. */
static void put_control(struct writer *w)
{
    static const char *const owned[] = {
        "control/shutdown", "control/feature-poweroff", "control/feature-reboot", "control/feature-suspend",
        "control/sysrq", "device/suspend/event-channel", "data", "drivers", "feature", "attr", "error",
    };

    put(w, "control", GUEST_READS, "%s", "");
    put(w, "device", GUEST_READS, "%s", "");
    put(w, "backend", GUEST_READS, "%s", "");
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        put(w, owned[i], GUEST_OWNS, "%s", "");
    put(w, "control/platform-feature-multiprocessor-suspend", ITS_PARENTS, "1");
    put(w, "control/platform-feature-xs_reset_watches", ITS_PARENTS, "1");
}

static void put_rings(struct writer *w, const struct built_domain *built)
{
    put(w, "store", GUEST_READS, "%s", "");
    put(w, "store/port", ITS_PARENTS, "%u", built->store_port);
    put(w, "store/ring-ref", ITS_PARENTS, "%" PRIu64, (uint64_t)built->store_mfn);
    put(w, "console", GUEST_READS, "%s", "");
    put(w, "console/backend", ITS_PARENTS, "/local/domain/0/backend/console/%u/0", built->domid);
    put(w, "console/backend-id", ITS_PARENTS, "0");
    put(w, "console/port", ITS_PARENTS, "%u", built->console_port);
    put(w, "console/ring-ref", ITS_PARENTS, "%" PRIu64, (uint64_t)built->console_mfn);
    put(w, "console/limit", ITS_PARENTS, "1048576");
    put(w, "console/type", ITS_PARENTS, "xenconsoled");
    put(w, "console/output", ITS_PARENTS, "pty");
    put(w, "console/tty", ITS_PARENTS, "%s", "");
}

static void put_cpus(struct writer *w, unsigned online, unsigned max)
{
    char node[40];

    for (unsigned vcpu = 0; vcpu < max; vcpu++) {
        snprintf(node, sizeof(node), "cpu/%u/availability", vcpu);
        put(w, node, ITS_PARENTS, "%s", vcpu < online ? "online" : "offline");
    }
}

static int make_domain(struct store_conn *conn, const struct tn_config *config,
                       const struct built_domain *built)
{
    struct writer w = domain_writer(conn, built->domid), vm = vm_writer(conn, built->domid, config);

    put(&w, "", GUEST_READS, "%s", "");
    put(&w, "vm", ITS_PARENTS, "%s", vm.base);
    put(&w, "name", ITS_PARENTS, "%s", config->name);
    put(&w, "domid", ITS_PARENTS, "%u", built->domid);
    put(&w, "memory", GUEST_READS, "%s", "");
    put(&w, "memory/static-max", ITS_PARENTS, "%" PRIu64, (uint64_t)config->maxmem_mb << 10);
    put(&w, "memory/target", ITS_PARENTS, "%" PRIu64, (uint64_t)config->memory_mb << 10);
    put(&w, "memory/videoram", ITS_PARENTS, "0");
    put(&w, "cpu", GUEST_READS, "%s", "");
    put_cpus(&w, config->vcpus, config->maxvcpus);
    put_control(&w);
    put_rings(&w, built);
    return w.rc;
}

static int make_vm(struct store_conn *conn, const struct tn_config *config, domid_t domid)
{
    struct writer w = vm_writer(conn, domid, config);

    put(&w, "", GUEST_READS, "%s", "");
    put(&w, "uuid", ITS_PARENTS, "%s", strrchr(w.base, '/') + 1);
    put(&w, "name", ITS_PARENTS, "%s", config->name);
    put(&w, "image/ostype", ITS_PARENTS, "linux");
    put(&w, "image/kernel", ITS_PARENTS, "%s", config->kernel);
    put(&w, "image/ramdisk", ITS_PARENTS, "%s", config->ramdisk);
    put(&w, "image/cmdline", ITS_PARENTS, "%s", config->cmdline);
    put(&w, "start_time", ITS_PARENTS, "%" PRIu64 ".00", port_wallclock());
    return w.rc;
}

/* Domain-0's end of the console. Tools look at it; the daemon of ../console serves it in any case. */
static struct writer console_writer(struct store_conn *conn, domid_t domid)
{
    struct writer w = { .conn = conn, .domid = domid };

    snprintf(w.base, sizeof(w.base), "/local/domain/0/backend/console/%u", domid);
    return w;
}

static int make_console(struct store_conn *conn, domid_t domid)
{
    struct writer w = console_writer(conn, domid);

    put(&w, "0", GUEST_READS, "%s", "");
    put(&w, "0/frontend", ITS_PARENTS, "/local/domain/%u/console", domid);
    put(&w, "0/frontend-id", ITS_PARENTS, "%u", domid);
    put(&w, "0/online", ITS_PARENTS, "1");
    put(&w, "0/state", ITS_PARENTS, "1");
    put(&w, "0/protocol", ITS_PARENTS, "vt100");
    return w.rc;
}

int guest_tree_make(struct store_conn *conn, const struct tn_config *config, const struct built_domain *built)
{
    int rc = make_domain(conn, config, built);

    port_yield();
    if (rc >= 0)
        rc = make_vm(conn, config, built->domid);
    port_yield();
    if (rc >= 0)
        rc = make_console(conn, built->domid);
    return rc < 0 ? rc : 0;
}

int guest_tree_rename(struct store_conn *conn, domid_t domid, const struct tn_config *config)
{
    struct writer w = domain_writer(conn, domid), vm = vm_writer(conn, domid, config);

    put(&w, "name", ITS_PARENTS, "%s", config->name);
    vm.rc = w.rc;
    put(&vm, "name", ITS_PARENTS, "%s", config->name);
    return vm.rc < 0 ? vm.rc : 0;
}

void guest_tree_remove(struct store_conn *conn, domid_t domid, const struct tn_config *config)
{
    const struct writer bases[] = {
        console_writer(conn, domid), domain_writer(conn, domid), vm_writer(conn, domid, config),
    };

    /* What cannot be removed was not there: making the domain had failed before. */
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
        store_rm(conn, 0, bases[i].base);
}

int guest_tree_set_vcpus(struct store_conn *conn, domid_t domid, unsigned online, unsigned max)
{
    struct writer w = domain_writer(conn, domid);

    put_cpus(&w, online, max);
    return w.rc < 0 ? w.rc : 0;
}
