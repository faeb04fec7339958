/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: sharing own pages with one other domain, and
 * mapping pages that another domain granted. Not from handlers.
 */
#ifndef MINIOS_GRANT_H
#define MINIOS_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

/* Let `domid` map or copy our machine frame `mfn`. Returns the reference (> 0) or -errno (table full). */
int grant_access(domid_t domid, unsigned long mfn, bool readonly);

/* Take a grant back. -EBUSY while the other domain still has it mapped: ask again later. */
int grant_end_access(grant_ref_t ref);

/*
 * Map n grants of `domid` one after the other. Returns the address and fills handles[0..n-1], or NULL with
 * errno set; on failure nothing stays mapped.
 */
void *grant_map(domid_t domid, const grant_ref_t *refs, size_t n, bool readonly, grant_handle_t *handles);

/* Undo grant_map with the handles that it gave. 0 or -errno. */
int grant_unmap(void *va, size_t n, const grant_handle_t *handles);

/* Text for a GNTST_* status. */
const char *grant_status_text(int status);

#endif
