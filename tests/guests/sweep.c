/* SPDX-License-Identifier: MIT */
/*
 * Every hypercall, and of those with sub-operations each number from 0 to 63 (of domctl to 95), asked with a
 * null pointer, with one into the hypervisor and with a structure of zeroes: who gets which error code.
 * sweep.def has what Xen 4.17 answers as Domain-0 and as a guest; what would end or change the domain or the
 * machine is left out.
 */
#include "child.h"

#include <xen/arch-x86/xen-mca.h>
#include <xen/platform.h>

static char structure[PAGE_SIZE] __attribute__((aligned(4096)));
static domid_t target = 77;     /* of control operations: an empty domain, or none */

/* How a sub-operation is asked for. */
enum form {
    CMD_PTR,                    /* (cmd, pointer, 1) */
    CMD_1_PTR,                  /* (cmd, 1, pointer) */
    CMD_0_PTR,                  /* (cmd, 0, pointer) */
    NUMBER,                     /* the hypercall's own, the same in every argument */
    MMUEXT, COMPAT, DOMCTL, SYSCTL, PLATFORM,   /* inside the structure */
};

enum kind { NULL_POINTER, BAD_POINTER, ZEROES, KINDS };
static const char *const kinds[] = { "a null pointer", "a bad pointer", "zeroes" };

struct row {
    const char *name;
    unsigned nr;
    enum form form;
    const char *answers[2][KINDS];      /* of Domain-0, of a guest; null: as the one before */
};

static long ask(const struct row *r, unsigned sub, enum kind kind)
{
    unsigned long arg = kind == ZEROES ? (unsigned long)structure : kind == BAD_POINTER ? BAD_PTR_XEN : 0;

    memset(structure, 0, sizeof(structure));
    switch (r->form) {
    case CMD_PTR:
        return hypercall(r->nr, sub, arg, 1, 0, 0);
    case CMD_1_PTR:
        return hypercall(r->nr, sub, 1, arg, 0, 0);
    case CMD_0_PTR:
        return hypercall(r->nr, sub, 0, arg, 0, 0);
    case NUMBER:
        return hypercall(sub, arg, arg, arg, arg, arg);
    case MMUEXT:
        ((struct mmuext_op *)structure)->cmd = sub;
        return hypercall(r->nr, arg, 1, 0, DOMID_SELF, 0);
    case COMPAT:
        *(uint32_t *)structure = sub;
        break;
    case DOMCTL:
        *(struct xen_domctl *)structure = (struct xen_domctl){
            .cmd = sub, .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = target };
        break;
    case SYSCTL:
        *(struct xen_sysctl *)structure = (struct xen_sysctl){
            .cmd = sub, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
        break;
    case PLATFORM:
        *(struct xen_platform_op *)structure = (struct xen_platform_op){
            .cmd = sub, .interface_version = XENPF_INTERFACE_VERSION };
    }
    return hypercall(r->nr, arg, 0, 0, 0, 0);
}

static const struct row rows[] = {
#define ROW(name, nr, form, ...) { name, nr, form, { __VA_ARGS__ } },
#include "sweep.def"
};

/* A number at *text, which is left behind it. */
static unsigned number(const char **text)
{
    unsigned n = 0;

    while (**text >= '0' && **text <= '9')
        n = n * 10 + *(*text)++ - '0';
    return n;
}

/* What one that this hypervisor does not have may answer instead. */
static bool is_absent(long ret)
{
    return ret == -GE_NOSYS || ret == -GE_OPNOTSUPP || ret == -GE_NODATA || (ret == -GE_PERM && !is_dom0());
}

/* Asks all of a row with one kind of pointer; text is as sweep.def has it. */
static void check_row(const struct row *r, enum kind kind, const char *text)
{
    unsigned wrong = 0, sub = 0;

    while (*text) {
        unsigned last;
        bool asked, may_lack;
        long want;

        sub = last = number(&text);
        if (*text == '-') {
            text++;
            last = number(&text);
        }
        text++;                                 /* the colon */
        asked = *text != 'x';
        want = -(long)number(&text);
        may_lack = *text == '?';
        while (*text && (*text < '0' || *text > '9'))
            text++;
        for (; asked && sub <= last; sub++) {
            long ret = ask(r, sub, kind);

            if (ret == want || (ret > 0 && want == 0) || (may_lack && is_absent(ret)))
                continue;
            note("%s %u: %ld, want %ld", r->name, sub, ret, want);
            wrong++;
        }
    }
    check_eq(wrong, 0, "%s with %s: each sub-operation has its answer", r->name, kinds[kind]);
    trap_init();
    events_mask();
}

TEST_MAIN("sweep")
{
    if (is_dom0()) {
        struct xen_domctl create = create_request();

        if (domctl(&create, XEN_DOMCTL_createdomain, 0))
            bail_out("no domain to ask about");
        target = child = create.domain;
    }
    for (const struct row *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
        const char *text = NULL;

        for (unsigned who = 0; who <= !is_dom0(); who++)
            for (unsigned kind = 0; kind < KINDS; kind++) {
                text = r->answers[who][kind] ?: text;
                if (who == !is_dom0())
                    check_row(r, kind, text);
            }
    }
    if (is_dom0()) {
        destroy_domain(child);
        check(info_of(child) == NULL, "the domain that was asked about is gone");
    }
}
