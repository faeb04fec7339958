/* SPDX-License-Identifier: MIT */
/*
 * Failure lines, and the hypervisor's error numbers in words.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xen/errno.h>

int tn_fail(struct tn_error *err, const char *fmt, ...)
{
    va_list ap;

    if (err->text[0])
        return -1;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -1;
}

int tn_fail_prefix(struct tn_error *err, const char *fmt, ...)
{
    char old[sizeof(err->text)];
    size_t used;
    va_list ap;

    memcpy(old, err->text, sizeof(old));
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
    return -1;
}

static const struct {
    int number;
    const char *words;
} meanings[] = {
    { XEN_EPERM,  "this domain may not do that (EPERM)" },
    { XEN_ENOENT, "no such object (ENOENT)" },
    { XEN_ESRCH,  "no such domain (ESRCH)" },
    { XEN_E2BIG,  "too large (E2BIG)" },
    { XEN_EAGAIN, "try again (EAGAIN)" },
    { XEN_ENOMEM, "no memory left (ENOMEM)" },
    { XEN_EACCES, "the interface version differs, or access is refused (EACCES)" },
    { XEN_EFAULT, "bad address (EFAULT)" },
    { XEN_EBUSY,  "in use (EBUSY)" },
    { XEN_EEXIST, "exists already (EEXIST)" },
    { XEN_EINVAL, "refused as invalid (EINVAL)" },
    { XEN_ENOSPC, "no space left (ENOSPC)" },
    { XEN_ENOSYS, "this hypervisor has no such call (ENOSYS)" },
    { XEN_EOPNOTSUPP, "this hypervisor does not support it (EOPNOTSUPP)" },
};

const char *tn_xen_error(long rc)
{
    static char number[40];

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].number == -rc)
            return meanings[i].words;
    snprintf(number, sizeof(number), "error %ld", -rc);
    return number;
}
